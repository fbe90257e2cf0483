// HubConnection+Resumption: a connection that outlives its socket.
//
//   socket breaks ─▶ kept for disconnectTimeout ─┬─ the client comes back: Sequence, what is kept, …
//                                                └─ it does not: the connection is lost
//
// Thread: the connection's loop.  Allocates: see Resumption.
// Source: SignalR HubProtocol and .NET 8 (stateful reconnect).

import Loop

extension HubConnection {
    /// The handshake has chosen a protocol in the version that numbers its messages.
    func enableResumption(_ chosen: HubProtocol) {
        if case .resumable(let resumption) = link { resumption.enable(chosen.transferFormat) }
    }

    /// Whether another socket may carry it on.
    var isResumable: Bool {
        if case .resumable(let resumption) = link {
            machine.isActive && resumption.isEnabled
        } else {
            false
        }
    }

    /// The client is back, on another socket.
    func resume(on socket: SessionSocket) {
        guard case .resumable(let resumption) = link, isResumable else { return socket.close() }
        let hubProtocol = hubProtocol
        resumption.resume(on: socket) { number in
            // Only values may have no form.
            (try? hubProtocol.encode(.sequence(sequenceID: number))) ?? []
        }
        machine.bytesReceived(at: now)
        readOn()
    }

    /// A client that closes goes for good; a socket that breaks may have a successor.
    func sessionSocketEnded(isOrderly: Bool) {
        if !isOrderly, isResumable, case .resumable(let resumption) = link {
            resumption.broke(at: now)
        } else {
            transportEnded(isOrderly: isOrderly)
        }
    }

    /// From a socket of another loop.
    func relayed(_ event: RelayEvent, of socket: RelayedSocket) {
        guard case .resumable(let resumption) = link else { return }
        if case .opened = event { return resume(on: .relayed(socket)) }
        guard resumption.isCarried(by: socket) else { return }
        switch event {
        case .opened: break
        case .received(let bytes): bytes.withUnsafeBytes { received($0) }
        case .ended(let isOrderly): sessionSocketEnded(isOrderly: isOrderly)
        }
    }

    func acknowledged(_ number: Int64) {
        guard case .resumable(let resumption) = link, resumption.acknowledged(number) else {
            return
        }
        if !resumption.isBackpressured { caughtUp() }
    }

    func sequenceReceived(_ number: Int64) {
        guard case .resumable(let resumption) = link, resumption.isEnabled,
            !resumption.received(sequence: number)
        else { return }
        run(machine.violated(.sequenceGap))
    }
}

extension HubMessage {
    /// Whether stateful reconnect numbers it.
    var isTracked: Bool {
        switch self {
        case .invocation, .streamItem, .completion, .streamInvocation, .cancelInvocation: true
        case .ping, .close, .ack, .sequence: false
        }
    }
}
