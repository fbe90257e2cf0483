// HTTPStateMachine: where an HTTP connection stands, and what each event makes of it.
//
//             bytes                head complete             body complete
//   idle ───────────▶ readingHead ───────────────▶ readingBody ────────────▶ responding
//    ▲                     │  head complete, no body                             │  │
//    │                     └──────────────────────────────────────────────────▶─┤  │ upgraded
//    └─────────────────────────────── response sent, kept alive ────────────────┘  ▼
//   any ── refused, closing response sent, timeout, drained while idle ─▶ closing  gone
//
// It touches no socket and no clock: HTTPConnection runs the actions.
//
// Thread: a pure value.  Allocates: never.  Source: RFC 9112 §9.3, §9.5, §9.6.

/// The life of one connection as far as HTTP is concerned.
struct HTTPStateMachine: Equatable {
    enum Phase: Equatable {
        /// Nothing of the next request has come.
        case idle
        case readingHead
        case readingBody
        /// A handler has the request, or its answer is being sent in pieces.
        case responding(keepsAlive: Bool)
        /// Our last words are queued.
        case closing
        /// Another protocol has the connection.
        case upgraded
    }

    /// What the connection must do next.
    enum Action: Equatable {
        case nothing
        /// Go on with the bytes behind the request just answered.
        case readNext
        case close
        /// Close, but let the peer read the answer first although it may still be sending.
        case closeLingering
        case refuse(HTTPError)
    }

    /// Which deadline runs, and for which request: two requests never share one. Requests are
    /// numbered by the answers before them.
    enum Deadline: Equatable {
        case unlimited
        case head(request: Int)
        case bodyWindow(request: Int)
        /// Until the first byte of the request.
        case keepAlive(request: Int)
    }

    private(set) var phase = Phase.idle
    private(set) var isDraining = false
    private(set) var peerHasClosed = false
    private var answerCount = 0

    var isReading: Bool {
        switch phase {
        case .idle, .readingHead, .readingBody: true
        case .responding, .closing, .upgraded: false
        }
    }

    var deadline: Deadline {
        switch phase {
        // Whoever connects has something to ask, so the first request has the head's time.
        case .idle where answerCount > 0: .keepAlive(request: answerCount)
        case .idle, .readingHead: .head(request: answerCount)
        case .readingBody: .bodyWindow(request: answerCount)
        case .responding, .closing, .upgraded: .unlimited
        }
    }

    /// Whether the answer at hand may announce that the connection stays.
    var willKeepAlive: Bool {
        if case .responding(keepsAlive: true) = phase { !isDraining } else { false }
    }

    // MARK: Reading

    mutating func headBegan() {
        if phase == .idle { phase = .readingHead }
    }

    mutating func bodyBegan() {
        precondition(phase == .idle || phase == .readingHead)
        phase = .readingBody
    }

    /// - Parameter keepsAlive: whether another request may follow this one.
    mutating func requestCompleted(keepsAlive: Bool) {
        precondition(isReading)
        phase = .responding(keepsAlive: keepsAlive)
    }

    /// The peer has broken the rules, and has been told.
    mutating func refused() -> Action {
        phase = .closing
        return .closeLingering
    }

    // MARK: Answering

    /// The whole answer is queued.
    mutating func responseCompleted() -> Action {
        guard case .responding = phase else { preconditionFailure("no request to answer") }
        answerCount += 1
        guard willKeepAlive else {
            phase = .closing
            return .closeLingering
        }
        phase = .idle
        return .readNext
    }

    mutating func upgraded() {
        guard case .responding = phase else { preconditionFailure("no request to upgrade") }
        phase = .upgraded
    }

    // MARK: Events from outside

    /// The peer will send no more; a request it has sent in full is answered (RFC 9112 §9.6).
    ///
    /// - Parameter hasUnread: whether bytes are waiting that may hold further requests.
    mutating func peerClosed(hasUnread: Bool) -> Action {
        peerHasClosed = true
        return inputEnded(hasUnread: hasUnread)
    }

    /// Asked whenever reading has come to a stop: after the peer has closed, what is incomplete
    /// stays incomplete.
    mutating func inputEnded(hasUnread: Bool) -> Action {
        guard peerHasClosed, isReading, !hasUnread else { return .nothing }
        phase = .closing
        return .close
    }

    /// The server is shutting down.
    mutating func drained() -> Action {
        isDraining = true
        guard phase == .idle else { return .nothing }
        phase = .closing
        return .closeLingering
    }

    /// The deadline has passed. A body's window is judged by the body.
    mutating func deadlinePassed() -> Action {
        switch phase {
        case .idle:
            phase = .closing
            return .close
        case .readingHead: return .refuse(.headTimeout)
        case .readingBody, .responding, .closing, .upgraded: return .nothing
        }
    }
}
