// RedisBackplaneLoop+Receive: what other pods have published, and our own that comes back.
//
//   :all :group: :user: :connection: ─▶ echo? dropped : decoded once ─▶ deliver
//   :internal:groups                 ─▶ change, if the connection is here ─▶ ack
//   :internal:ack:                   ─▶ whoever asked for the change
//
// Whatever is malformed is dropped and logged; it may come from a pod of a later version.
//
// Thread: the loop it was made on.  Allocates: per message its strings and its frame.

import Loop
import Synchronization

extension RedisBackplaneLoop {
    func arrived(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        counters.received.add(1, ordering: .relaxed)
        // We subscribe to valid names only.
        let name = String(decoding: channel, as: UTF8.self)
        do throws(BackplaneEnvelopeError) {
            switch channels.channel(named: channel) {
            case .all: try deliver(payload, on: name, to: nil)
            case .scope(let scope): try deliver(payload, on: name, to: scope)
            case .groupCommands: change(try GroupCommand.decode(payload))
            case .acks: answer(try GroupAck.decode(payload).id, nil)
            // We ask no client for a result, so nobody waits for one.
            case .returns, nil: break
            }
        } catch {
            counters.malformedDropped.add(1, ordering: .relaxed)
            log.warning(
                "message dropped", [.string("channel", name), .reason(error.description)])
        }
    }

    /// - Parameter scope: nil for everybody.
    private func deliver(
        _ payload: UnsafeRawBufferPointer, on name: String, to scope: BackplaneScope?
    ) throws(BackplaneEnvelopeError) {
        if ledger.isEcho(EchoLedger.digest(payload), on: name) {
            counters.echoesDropped.add(1, ordering: .relaxed)
            return
        }
        let envelope = try InvocationEnvelope.decode(payload)
        if let address = envelope.returnAddress { return refuse(address) }
        let excluded = envelope.excludedIDs
        let target: HubTarget =
            switch scope {
            case nil: excluded.isEmpty ? .all : .allExcept(excluded)
            case .group(let group):
                excluded.isEmpty ? .group(group) : .groupExcept(group, excluded: excluded)
            // Nobody can be excluded from what is for one.
            case .user(let id): .user(id)
            case .connection(let id), .transport(let id): .connection(id)
            }
        receive?(.deliver(target, envelope.invocation))
    }

    /// A pod asks one of our clients for a result, which this hub does not do. It is told so, as it
    /// would wait for ever otherwise.
    private func refuse(_ address: InvocationEnvelope.ReturnAddress) {
        let completion = Completion(
            invocationID: address.invocationID,
            outcome: .error("The client's server does not support client results."))
        // An error is text, which no protocol refuses.
        guard let record = try? HubProtocol.json.encode(.completion(completion)) else { return }
        let answer = CompletionEnvelope(protocolName: HubProtocol.json.name, record: record)
        send(answer.encode(), to: address.channel) { _ in }
    }

    private func change(_ command: GroupCommand) {
        // Our own: the connection is another pod's, or we had not asked.
        if command.server.utf8.elementsEqual(channels.serverName.utf8) { return }
        let mailbox = mailbox
        receive?(.change(command.change) { mailbox.post(.acknowledge(command)) })
    }
}
