// HubLoop+Sessions: requests of clients without a WebSocket, wherever their connection is.
//
//   poll, POST, DELETE ─▶ route ─┬─ a session of this loop         handled here
//                                ├─ of another loop of this pod    its mailbox
//                                ├─ of another pod                 the backplane
//                                └─ nobody's (unheld)              a first poll opens it here,
//                                                                  an early POST waits for that
//
// So negotiate and every later request may come to any pod. Once a second the sessions are asked what
// is due: they have no socket whose timer could tell.
//
// Thread: one loop.  Allocates: per session its place in the tables; per forwarded request a message.
// Source: SignalR TransportProtocols.

import Loop
import WS

/// A request for a connection that nobody holds yet.
struct TransportAttempt: Sendable {
    let request: TransportRequest
    /// The connection token, as it was sent.
    let token: String
    let user: AuthenticatedUser
    let httpRequest: Request
    let answered: @Sendable (TransportAnswer?) -> Void
}

/// The sessions of one loop.
struct SessionTable {
    /// What was POSTed before the client attached.
    struct Reservation {
        var bytes: [UInt8]
        let until: MonotonicInstant
    }

    var tokens = SessionTokens()
    /// By connection id, until their transport is gone.
    var connections: [String: HubConnection] = [:]
    var reservations: [String: Reservation] = [:]
    var hasClock = false
}

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

    /// False if this pod does not hold the connection.
    private func routesHere(
        _ request: TransportRequest, _ answered: @escaping PollQueue.Answer
    ) -> Bool {
        if let session = sessions.connections[request.connectionID] {
            session.handle(request, answered: answered)
            return true
        }
        if server.loops.forward(request, answered: answered) { return true }
        guard server.loops.holds(.connection(request.connectionID)) else { return false }
        // A WebSocket, which takes no requests beside it.
        switch request.kind {
        case .poll: answered(.otherTransport)
        case .send: answered(.notPostable)
        case .delete: answered(.notDeletable)
        case .abandon: break
        }
        return true
    }

    /// From another loop or pod, which has found the connection here.
    func handle(_ request: TransportRequest, _ answered: @escaping PollQueue.Answer) {
        if let session = sessions.connections[request.connectionID] {
            session.handle(request, answered: answered)
        } else if request.kind != .abandon {
            answered(nil)
        }
    }

    // MARK: Beginning

    /// The pods have been asked: nobody holds the connection.
    func begin(_ attempt: TransportAttempt) {
        let (request, answered) = (attempt.request, attempt.answered)
        // Another request may have opened it meanwhile.
        if routesHere(request, answered) { return }
        guard server.tokens.isFresh(attempt.token, user: attempt.user.userID) else {
            return answered(.unknownID)
        }
        switch request.kind {
        case .poll: beginPolling(attempt)
        case .send(let bytes): reserve(bytes, attempt)
        case .delete: answered(.notDeletable)
        case .abandon: break
        }
    }

    private func beginPolling(_ attempt: TransportAttempt) {
        let claim: ConnectionClaim
        do throws(ConnectionTokens.Refusal) {
            claim = try server.tokens.claim(
                attempt.token, user: attempt.user.userID, for: .longPolling)
        } catch {
            return attempt.answered(error == .unknown ? .unknownID : .otherTransport)
        }
        let connection = HubConnection(
            loop: self, claim: claim, user: attempt.user, transport: .longPolling,
            request: attempt.httpRequest)
        let queue = PollQueue(options: server.options, now: reactor.now, first: attempt.answered)
        connection.opened(by: .polling(queue))
    }

    private func reserve(_ bytes: [UInt8], _ attempt: TransportAttempt) {
        let id = attempt.request.connectionID
        var reservation =
            sessions.reservations[id]
            ?? SessionTable.Reservation(
                bytes: [], until: reactor.now.advanced(by: server.options.negotiatedLifetime))
        reservation.bytes += bytes
        if reservation.bytes.count > server.options.postedByteCountMax {
            sessions.reservations[id] = nil
            return attempt.answered(.unknownID)
        }
        sessions.reservations[id] = reservation
        startClock()
        attempt.answered(.accepted)
    }

    func takeReservation(_ connectionID: String) -> [UInt8]? {
        sessions.reservations.removeValue(forKey: connectionID)?.bytes
    }

    func makeSessionToken() -> EventToken { sessions.tokens.make() }

    func add(session: HubConnection) {
        let scope = BackplaneScope.transport(session.connectionID)
        sessions.connections[session.connectionID] = session
        server.loops.enter([scope], loop: number)
        startClock()
        if session.transport == .webSockets { return }
        server.backplane.subscribe(to: [scope]) { [mailbox, token = session.token] in
            mailbox.post(.reachable(token))
        }
    }

    /// Its transport is gone; called once per connection.
    func forgot(_ connection: HubConnection) {
        guard connection.token.isSession else { return }
        let scope = BackplaneScope.transport(connection.connectionID)
        sessions.connections[connection.connectionID] = nil
        server.loops.leave([scope], loop: number)
        if connection.transport != .webSockets { server.backplane.unsubscribe(from: [scope]) }
        sessions.tokens.release(connection.token)
    }

    /// Whether a session is this loop's.
    func holds(_ connectionID: String) -> Bool { sessions.connections[connectionID] != nil }

    /// The session that another socket may carry on.
    func resumable(_ connectionID: String) -> HubConnection? {
        guard let session = sessions.connections[connectionID], session.isResumable else {
            return nil
        }
        return session
    }

    /// From a socket of another loop.
    func relay(_ event: RelayEvent, of socket: RelayedSocket, to connectionID: String) {
        if let session = sessions.connections[connectionID] {
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
        sessions.reservations = sessions.reservations.filter { $0.value.until > now }
        for session in Array(sessions.connections.values) { session.passSecond() }
    }

    /// Those with a socket are asked by it.
    func drainSessions() {
        for session in Array(sessions.connections.values) {
            switch session.link {
            case .polling: session.drain()
            case .resumable(let resumption): if resumption.socket == nil { session.drain() }
            case .none, .webSocket, .events: break
            }
        }
    }
}
