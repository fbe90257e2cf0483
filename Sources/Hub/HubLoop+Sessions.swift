// HubLoop+Sessions: requests of clients without a WebSocket, wherever their connection is.
//
//   poll, POST, DELETE ─▶ route ─┬─ held by this loop              handled here
//   event stream: attach         ├─ by another loop of this pod    its mailbox
//                                ├─ by another pod                 the backplane
//                                └─ by nobody (unheld)             a first poll opens it here,
//                                                                  an early POST waits here for that
//
// So negotiate and every later request may come to any pod. Once a second the sessions are asked what
// is due: they have no socket whose timer could tell.
//
// Thread: one loop.  Allocates: per session its place in the tables; per forwarded request a message.
// Source: SignalR TransportProtocols.

import Loop

extension HubLoop {
    // MARK: Routing

    /// Has a request handled by whoever holds its connection.
    func route(_ attempt: TransportAttempt) {
        let (request, answered) = (attempt.request, attempt.answered)
        if routesHere(request, answered) { return }
        server.backplane.forward(request) { [mailbox] answer in
            if let answer { return answered(answer) }
            if !mailbox.post(.unheld(attempt)) { answered(nil) }
        }
    }

    /// Nobody waits for a poll any more.
    func abandon(_ request: TransportRequest) {
        let word = TransportRequest(
            kind: .abandon, connectionID: request.connectionID, requestID: request.requestID,
            expiresAt: nil)
        if !routesHere(word, { _ in }) { server.backplane.forward(word) { _ in } }
    }

    /// Asks whether an event stream may begin here. The stream is told by `EventStream.attached`.
    func attach(_ connectionID: String, for socket: EventToken) {
        let request = TransportRequest(
            kind: .attach, connectionID: connectionID,
            requestID: server.tokens.makeConnectionID(), expiresAt: nil)
        let answered = { @Sendable [mailbox] (answer: TransportAnswer?) in
            _ = mailbox.post(.attached(socket, answer))
        }
        if !routesHere(request, answered) {
            server.backplane.forward(request, answered: answered)
        }
    }

    /// False if this pod does not hold the connection.
    private func routesHere(
        _ request: TransportRequest, _ answered: @escaping PollQueue.Answer
    ) -> Bool {
        if sessions.entries[request.connectionID] != nil {
            handle(request, answered)
            return true
        }
        if server.loops.forward(request, answered: answered) { return true }
        guard server.loops.holds(.connection(request.connectionID)) else { return false }
        // A WebSocket, which takes no requests beside it.
        switch request.kind {
        case .poll, .attach: answered(.otherTransport)
        case .send: answered(.notPostable)
        case .delete: answered(.notDeletable)
        case .abandon: break
        }
        return true
    }

    /// Also from another loop or pod, which has found the connection here.
    func handle(_ request: TransportRequest, _ answered: @escaping PollQueue.Answer) {
        switch sessions.entries[request.connectionID] {
        case .open(let session): session.handle(request, answered: answered)
        case .reserved(let reservation): handle(request, for: reservation, answered)
        case .ended: if request.kind != .abandon { answered(.unknownID) }
        case nil: if request.kind != .abandon { answered(nil) }
        }
    }

    private func handle(
        _ request: TransportRequest, for reservation: SessionTable.Reservation,
        _ answered: @escaping PollQueue.Answer
    ) {
        let id = request.connectionID
        switch request.kind {
        case .send(let more):
            guard reservation.bytes.count + more.count <= server.options.postedByteCountMax else {
                count(.postedBytes)
                return answered(.unknownID)
            }
            var longer = reservation
            longer.bytes += more
            sessions.entries[id] = .reserved(longer)
            answered(.accepted)
        case .poll:
            removeEntry(id)
            beginPolling(reservation.attempt, after: reservation.bytes, answered)
        case .attach:
            removeEntry(id)
            answered(.records(reservation.bytes))
        case .delete: answered(.notDeletable)
        case .abandon: break
        }
    }

    // MARK: Beginning

    /// The pods have been asked: nobody holds the connection.
    func begin(_ attempt: TransportAttempt) {
        let (request, answered) = (attempt.request, attempt.answered)
        if attempt.abandonment.isCancelled { return answered(nil) }
        // Another request may have opened it meanwhile.
        if routesHere(request, answered) { return }
        guard server.tokens.isFresh(attempt.token, user: attempt.user.userID) else {
            return answered(.unknownID)
        }
        switch request.kind {
        case .poll: beginPolling(attempt, after: [], answered)
        case .send: reserve(attempt)
        case .delete: answered(.notDeletable)
        case .attach, .abandon: break
        }
    }

    /// - Parameter early: what was POSTed before.
    private func beginPolling(
        _ attempt: TransportAttempt, after early: [UInt8], _ answered: @escaping PollQueue.Answer
    ) {
        if isDraining { return answered(.leaving) }
        let user = attempt.user
        if let limit = enter(user: user.userID, asSession: true) {
            return answered(limit == .sessions ? .sessionsFull : .userFull)
        }
        let claim: ConnectionClaim
        do throws(ConnectionTokens.Refusal) {
            claim = try server.tokens.claim(attempt.token, user: user.userID, for: .longPolling)
        } catch {
            leave(user: user.userID, asSession: true)
            return answered(error == .unknown ? .unknownID : .otherTransport)
        }
        let connection = HubConnection(
            loop: self, claim: claim, user: user, transport: .longPolling, isSession: true,
            request: attempt.httpRequest)
        connection.hold(early: early)
        let queue = PollQueue(options: server.options, now: reactor.now, first: answered)
        // A POST for it has come to another loop in between: as if the poll had come first.
        if !connection.opened(by: .polling(queue)) { answered(.unknownID) }
    }

    private func reserve(_ attempt: TransportAttempt) {
        guard server.admission.enterSession() else {
            count(.sessions)
            return attempt.answered(.sessionsFull)
        }
        let reservation = SessionTable.Reservation(
            attempt: attempt, until: reactor.now.advanced(by: server.options.negotiatedLifetime))
        let id = attempt.request.connectionID
        let (mailbox, request, answered) = (mailbox, attempt.request, attempt.answered)
        let isFirst = addEntry(id, .reserved(reservation), isRemote: true) {
            if !mailbox.post(.transport(request, answered: answered)) { answered(nil) }
        }
        // Another loop was faster.
        if !isFirst {
            server.admission.leaveSession()
            _ = routesHere(request, answered)
        }
    }

    // MARK: Admission

    /// Counts in a connection that is about to be made; `HubConnection` counts itself out.
    ///
    /// - Parameter asSession: it may be without a socket.
    /// - Returns: the limit that keeps it out.
    func enter(user: String?, asSession: Bool) -> HubLimit? {
        if asSession, !server.admission.enterSession() {
            count(.sessions)
            return .sessions
        }
        if server.admission.enter(user: user) { return nil }
        if asSession { server.admission.leaveSession() }
        count(.userConnections)
        return .userConnections
    }

    func leave(user: String?, asSession: Bool) {
        server.admission.leave(user: user)
        if asSession { server.admission.leaveSession() }
    }

    func makeSessionToken() -> EventToken { sessions.tokens.make() }

    /// It was given to nobody.
    func takeBack(sessionToken token: EventToken) { sessions.tokens.release(token) }

    /// - Returns: false if another loop holds the id by now.
    func add(session: HubConnection) -> Bool {
        addEntry(
            session.connectionID, .open(session), isRemote: session.transport != .webSockets
        ) { [mailbox, token = session.token] in mailbox.post(.reachable(token)) }
    }

    // MARK: Ending

    /// Its transport is gone; called once per connection.
    func forgot(_ connection: HubConnection) {
        guard connection.token.isSession else { return }
        sessions.tokens.release(connection.token)
        if connection.transport == .webSockets { return removeEntry(connection.connectionID) }
        // Until its token has expired, other pods would take it for fresh.
        sessions.entries[connection.connectionID] = .ended(
            until: reactor.now.advanced(by: server.options.negotiatedLifetime))
    }

    // MARK: The table

    /// - Parameters:
    ///   - isRemote: other pods forward requests for it.
    ///   - reachable: called once, on any thread, when they find it.
    /// - Returns: false, and nothing happens, if another loop holds the id.
    private func addEntry(
        _ id: String, _ entry: SessionTable.Entry, isRemote: Bool,
        reachable: @escaping @Sendable () -> Void
    ) -> Bool {
        guard server.loops.enterAlone(.transport(id), loop: number) else { return false }
        sessions.entries[id] = entry
        if isRemote { server.backplane.subscribe(to: [.transport(id)], ready: reachable) }
        startClock()
        return true
    }

    private func removeEntry(_ id: String) {
        guard let entry = sessions.entries.removeValue(forKey: id) else { return }
        server.loops.leave([.transport(id)], loop: number)
        switch entry {
        case .open(let session): if session.transport == .webSockets { return }
        case .reserved: server.admission.leaveSession()
        case .ended: break
        }
        server.backplane.unsubscribe(from: [.transport(id)])
    }

    /// Whether a session is this loop's.
    func holds(_ connectionID: String) -> Bool { sessions.entries[connectionID] != nil }

    /// The session that another socket may carry on.
    func resumable(_ connectionID: String) -> HubConnection? {
        guard case .open(let session) = sessions.entries[connectionID], session.isResumable else {
            return nil
        }
        return session
    }

    /// From a socket of another loop.
    func relay(_ event: RelayEvent, of socket: RelayedSocket, to connectionID: String) {
        if case .open(let session) = sessions.entries[connectionID] {
            session.relayed(event, of: socket)
        } else {
            SessionSocket.relayed(socket).close()
        }
    }

    // MARK: The clock

    private func startClock() {
        if sessions.hasClock { return }
        sessions.hasClock = true
        reactor.every(.seconds(1)) { [unowned self] in passSecond() }
    }

    private func passSecond() {
        let now = reactor.now
        for (id, entry) in sessions.entries {
            switch entry {
            case .open(let session): session.passSecond()
            case .reserved(let reservation): if reservation.until <= now { removeEntry(id) }
            case .ended(let until): if until <= now { removeEntry(id) }
            }
        }
        noteKept()
    }

    /// What sessions keep for their clients is memory for output as much as the loop's queues.
    private func noteKept() {
        var byteCount = 0
        for case .open(let session) in sessions.entries.values {
            byteCount += session.link.waitingByteCount
        }
        reactor.noteKept(byteCount - sessions.keptByteCount)
        sessions.keptByteCount = byteCount
    }
}
