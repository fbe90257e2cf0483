// RedisBackplaneLoop+Receive: what other pods have published, and our own that comes back.
//
//   :all :group: :user: :connection: ─▶ echo? dropped : decoded once ─▶ deliver
//   :connection: with a return address ─▶ ask the client ─▶ completion
//   :internal:groups                 ─▶ change, if the connection is here ─▶ ack
//   :internal:transport:             ─▶ request for a connection here ─▶ answer
//   :internal:ack: return: transport-reply: ─▶ whoever waits for it
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
            case .scope(.transport(let id)):
                request(try TransportRequestEnvelope.decode(payload), for: id)
            case .scope(let scope): try deliver(payload, on: name, to: scope)
            case .groupCommands: change(try GroupCommand.decode(payload))
            case .acks: acknowledged(try GroupAck.decode(payload))
            case .returns: completed(try CompletionEnvelope.decode(payload))
            case .transportReplies: replied(try TransportAnswerEnvelope.decode(payload))
            case nil: break
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
        if case .connection(let id) = scope, let address = envelope.returnAddress {
            return question(envelope.invocation, to: id, address)
        }
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

    // MARK: What others ask of this pod

    private func change(_ command: GroupCommand) {
        // Our own: the connection is another pod's, or we had not asked.
        if command.server.utf8.elementsEqual(channels.serverName.utf8) { return }
        let (mailbox, channel) = (mailbox, channels.acks(of: command.server))
        receive?(
            .change(command.change) {
                mailbox.post(.answer(GroupAck(id: command.id).encode(), channel: channel))
            })
    }

    /// The client gets the record as the asker wrote it, which has the id in it.
    private func question(
        _ invocation: EncodedInvocation, to id: String, _ address: InvocationEnvelope.ReturnAddress
    ) {
        let question = ClientQuestion(
            connectionID: id, invocationID: address.invocationID, invocation: invocation)
        let mailbox = mailbox
        receive?(
            .ask(question) { answer in
                guard let envelope = answer?.envelope(answering: question) else { return }
                mailbox.post(.answer(envelope.encode(), channel: address.channel))
            })
    }

    private func request(_ envelope: TransportRequestEnvelope, for id: String) {
        let (mailbox, channel) = (mailbox, channels.transportReplies(to: envelope.server))
        let byteCountMax = settings.forwardedByteCountMax
        receive?(
            .transport(envelope.request(connectionID: id)) { answer in
                if envelope.kind == .abandon { return }
                var answer = answer
                if answer.map({ $0.body.count > byteCountMax }) == true {
                    answer = TransportAnswer(status: 500, contentType: "", body: [])
                }
                let reply = TransportAnswerEnvelope(requestID: envelope.requestID, answer: answer)
                mailbox.post(.answer(reply.encode(), channel: channel))
            })
    }

    // MARK: Answers of others

    private func acknowledged(_ ack: GroupAck) {
        if case .change(let done) = calls.take(.change(ack.id)) { done(nil) }
    }

    private func replied(_ reply: TransportAnswerEnvelope) {
        if case .request(let answered) = calls.take(.request(reply.requestID)) {
            answered(reply.answer)
        }
    }

    private func completed(_ envelope: CompletionEnvelope) {
        do throws(CompletionProblem) {
            let completion = try envelope.completion()
            guard
                case .question(let id, let answered) = calls.take(
                    .question(completion.invocationID))
            else { return }
            counters.questionsAnswered.add(1, ordering: .relaxed)
            answered(ClientAnswer(completion.outcome, connectionID: id))
        } catch {
            unreadable(envelope, error)
        }
    }

    /// The question has been answered, so it must end; its id stands in the record, wherever.
    private func unreadable(_ envelope: CompletionEnvelope, _ problem: CompletionProblem) {
        counters.malformedDropped.add(1, ordering: .relaxed)
        let named = envelope.possibleInvocationIDs.first { calls.contains(.question($0)) }
        guard let named, let waiter = calls.take(.question(named)),
            case .question(let id, _) = waiter
        else {
            return log.warning("answer to nobody's question dropped", [.reason("\(problem)")])
        }
        let text = problem.text(connectionID: id)
        log.warning("unreadable answer of a client", [.reason(text)])
        waiter.fail(.unavailable(reason: text), counters)
    }
}
