// HubConnection+Requests: polls, POSTs and DELETEs of a client without a WebSocket.
//
//   HubLoop.route ─▶ handle ─┬─ poll   ─▶ PollQueue
//                            ├─ send   ─▶ PostQueue ─▶ received
//                            └─ delete ─▶ the end
//
// Thread: the connection's loop.  Allocates: per request what its queue says.
// Source: SignalR TransportProtocols; statuses as .NET 8.

import Loop

extension HubConnection {
    /// - Parameter answered: called once; not at all for an `abandon`.
    func handle(_ request: TransportRequest, answered: @escaping PollQueue.Answer) {
        switch request.kind {
        case .poll:
            guard case .polling(let queue) = link else { return answered(.otherTransport) }
            poll(request, queue, answered)
        case .send(let bytes):
            if transport == .webSockets { return answered(.notPostable) }
            post(bytes, answered)
        case .delete:
            guard case .polling(let queue) = link else { return answered(.notDeletable) }
            answered(.deleted)
            queue.delete()
            transportEnded(isOrderly: true)
        case .attach:
            answered(transport == .serverSentEvents ? .inUse : .otherTransport)
        case .abandon:
            if case .polling(let queue) = link { queue.abandon(request.requestID, at: now) }
        }
    }

    /// POSTs find the connection from now on, on whichever pod.
    func reachable() {
        switch link {
        case .events(let stream): stream.begin()
        case .polling(let queue): queue.begin()
        case .none, .webSocket, .resumable: break
        }
        readOn()
    }

    private func poll(
        _ request: TransportRequest, _ queue: PollQueue, _ answered: @escaping PollQueue.Answer
    ) {
        machine.authenticated(until: request.expiresAt.map { loop.instant(of: $0) })
        let hasGoneOut = queue.poll(request.requestID, at: now, answer: answered)
        if queue.isDrained {
            forget()
        } else if hasGoneOut {
            caughtUp()
        }
    }

    private func post(_ bytes: [UInt8], _ answered: @escaping PollQueue.Answer) {
        guard machine.isOpen, let posts = link.posts else { return answered(.unknownID) }
        if !posts.isEmpty {
            loop.count(.postedBytes)
            return posts.wait(bytes, answer: answered)
        }
        bytes.withUnsafeBytes { received($0) }
        if heldByteCount > options.postedByteCountMax, machine.isOpen {
            loop.count(.postedBytes)
            posts.wait(nil, answer: answered)
        } else {
            answered(.accepted)
        }
    }

    /// Takes the POSTs that waited, as far as there is room.
    func takePosts() {
        guard let posts = link.posts else { return }
        while !posts.isEmpty, heldByteCount <= options.postedByteCountMax / 2 {
            posts.next().withUnsafeBytes { received($0) }
        }
    }
}
