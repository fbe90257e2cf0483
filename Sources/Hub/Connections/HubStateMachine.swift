// HubStateMachine: the life of one hub connection, without its socket.
//
//                     handshake ok             backplane ready            hub accepts
//   awaitingHandshake ────────────▶ subscribing ──────────────▶ connecting ────────────▶ active
//        │ bad, late, too long           │ expiry, drain             │ hub refuses, …      │ Close,
//        ▼                               ▼                           ▼                     ▼ timeout, …
//      closing ◀─────────────────────────┴───────────────────────────┴─────────────────────┘
//        │                  the transport may end in every state
//        ▼
//      closed
//
// Deadlines are kept here; the connection has one timer and arms it for `deadline`. In `closing` and
// `closed` every input is ignored: a late reply or a message behind the last one harms nobody.
//
// Thread: a pure value.  Allocates: never.
// Source: SignalR HubProtocol; keep-alive and timeout rules as .NET 8 applies them.

import Loop

struct HubStateMachine {
    enum State: Equatable {
        case awaitingHandshake(until: MonotonicInstant)
        /// The backplane has not confirmed yet. The handshake is answered when it has: a client that has
        /// its answer misses nothing. Messages wait.
        case subscribing
        /// The handshake is answered, and the hub is told. What it sends reaches the client; messages of the client wait.
        case connecting(Liveness)
        case active(Liveness)
        /// Our last message and the Close frame are on their way.
        case closing
        case closed
    }

    /// What keeps an active connection alive, and what ends it.
    struct Liveness: Equatable {
        var nextPing: MonotonicInstant
        var silence: Silence
        /// Invocations that hold a slot; the client's silence is not counted meanwhile.
        var dispatchCount: UInt16 = 0
    }

    /// When a silent client is given up.
    enum Silence: Equatable {
        /// The client has never pinged, so it cannot be expected to.
        case allowed
        /// Counted while we wait for bytes, not while an invocation holds a slot.
        case limited(since: MonotonicInstant)
    }

    /// What the connection has to do.
    enum Action: Equatable {
        case nothing
        /// Speak this protocol, and join the backplane.
        case subscribe(HubProtocol)
        /// Tell the error in a handshake answer, then close.
        case refuseHandshake(HandshakeError)
        /// Answer the handshake, and ask the hub.
        case connect
        /// Read on.
        case read
        case sendPing
        /// Send the end's Close message and its Close frame. Tell the hub if it knows the connection.
        case close(HubEnd, tellsHub: Bool)
        /// Everything is gone already. Tell the hub if it knows the connection.
        case finish(HubEnd, tellsHub: Bool)
    }

    private(set) var state: State
    private let keepAliveInterval: ShortDuration
    private let clientTimeout: ShortDuration
    /// Long polling has a keep-alive of its own.
    private let sendsPings: Bool
    /// When the user's token expires.
    private var expiry: MonotonicInstant

    init(
        options: HubOptions, now: MonotonicInstant, expiry: MonotonicInstant? = nil,
        sendsPings: Bool = true
    ) {
        state = .awaitingHandshake(until: now.advanced(by: options.handshakeTimeout))
        self.sendsPings = sendsPings
        keepAliveInterval = ShortDuration(options.keepAliveInterval)
        clientTimeout = ShortDuration(options.clientTimeout)
        self.expiry = expiry ?? .distantFuture
    }

    /// Whether the next record may be read now.
    var canRead: Bool {
        switch state {
        case .awaitingHandshake, .active: true
        case .subscribing, .connecting, .closing, .closed: false
        }
    }

    /// Whether anything will be read later.
    var isOpen: Bool { state != .closing && state != .closed }

    var isAwaitingHandshake: Bool {
        if case .awaitingHandshake = state { true } else { false }
    }

    var isActive: Bool {
        if case .active = state { true } else { false }
    }

    /// Whether the hub's messages reach the client.
    var canSend: Bool {
        switch state {
        case .connecting, .active: true
        case .awaitingHandshake, .subscribing, .closing, .closed: false
        }
    }

    // MARK: The handshake

    mutating func handshakeReceived(
        _ result: Result<HubProtocol, HandshakeError>
    ) -> Action {
        guard case .awaitingHandshake = state else { return .nothing }
        switch result {
        case .success(let chosen):
            state = .subscribing
            return .subscribe(chosen)
        case .failure(let error):
            state = .closing
            return .refuseHandshake(error)
        }
    }

    mutating func subscribed(at now: MonotonicInstant) -> Action {
        guard case .subscribing = state else { return .nothing }
        let nextPing = sendsPings ? now.advanced(by: keepAliveInterval) : .distantFuture
        state = .connecting(Liveness(nextPing: nextPing, silence: .allowed))
        return .connect
    }

    /// The hub has decided.
    mutating func decided(_ decision: ConnectDecision) -> Action {
        guard case .connecting(let liveness) = state else { return .nothing }
        switch decision {
        case .accept:
            state = .active(liveness)
            return .read
        case .abort: return close(.aborted)
        case .fail: return close(.connectFailed(nil))
        case .failed(let error): return close(.connectFailed(error))
        }
    }

    /// The client has proved anew who it is.
    mutating func authenticated(until expiry: MonotonicInstant?) {
        self.expiry = expiry ?? .distantFuture
    }

    // MARK: Messages

    /// Any bytes, even part of a message.
    mutating func bytesReceived(at now: MonotonicInstant) {
        updateLiveness { $0.noteActivity(now) }
    }

    /// Ours goes with the client's once half of the interval is over: one wake-up of the loop serves
    /// both, and TCP acknowledges the client's with ours.
    mutating func pingReceived(at now: MonotonicInstant) -> Action {
        guard case .active(var liveness) = state else { return .nothing }
        liveness.silence = .limited(since: now)
        let isHalfOver =
            sendsPings
            && now.nanoseconds + keepAliveInterval.nanoseconds / 2 >= liveness.nextPing.nanoseconds
        if isHalfOver { liveness.nextPing = now.advanced(by: keepAliveInterval) }
        state = .active(liveness)
        return isHalfOver ? .sendPing : .nothing
    }

    /// An invocation has taken a slot.
    mutating func invocationBegan() {
        updateLiveness { $0.dispatchCount += 1 }
    }

    /// One slot is free again.
    mutating func invocationEnded(at now: MonotonicInstant) {
        updateLiveness { liveness in
            assert(liveness.dispatchCount > 0, "an invocation ends once")
            liveness.dispatchCount -= 1
            liveness.noteActivity(now)
        }
    }

    mutating func closeReceived(error: String?) -> Action { close(.closedByClient(error: error)) }

    mutating func violated(_ error: HubProtocolError) -> Action { close(.protocolViolation(error)) }

    // MARK: Time

    /// When `timerFired` should be called next; it may be called earlier. `distantFuture`: never.
    var deadline: MonotonicInstant {
        switch state {
        case .awaitingHandshake(let until): min(until, expiry)
        case .subscribing: expiry
        case .connecting(let liveness), .active(let liveness):
            min(pingDeadline(liveness), expiry, silenceEnd(liveness))
        case .closing, .closed: .distantFuture
        }
    }

    mutating func timerFired(at now: MonotonicInstant) -> Action {
        if case .awaitingHandshake(let until) = state, now >= until {
            return handshakeReceived(.failure(.canceled))
        }
        if now >= expiry, isOpen { return close(.authenticationExpired) }
        guard let liveness else { return .nothing }
        if now >= silenceEnd(liveness) { return close(.clientTimedOut) }
        guard now >= pingDeadline(liveness) else { return .nothing }
        let nextPing = now.advanced(by: keepAliveInterval)
        updateLiveness { $0.nextPing = nextPing }
        return .sendPing
    }

    /// Where the client pings as often as we do, ours waits for the client's to go with it: a
    /// sixteenth of the interval and at most a second, by which .NET is late as well.
    private func pingDeadline(_ liveness: Liveness) -> MonotonicInstant {
        guard sendsPings, case .limited = liveness.silence else { return liveness.nextPing }
        let grace = min(keepAliveInterval.nanoseconds / 16, 1_000_000_000)
        return MonotonicInstant(nanoseconds: liveness.nextPing.nanoseconds + grace)
    }

    private func silenceEnd(_ liveness: Liveness) -> MonotonicInstant {
        guard case .limited(let since) = liveness.silence, liveness.dispatchCount == 0 else {
            return .distantFuture
        }
        return since.advanced(by: clientTimeout)
    }

    // MARK: The end

    mutating func abort() -> Action { close(.aborted) }

    /// More waits for the client than may.
    mutating func fellBehind() -> Action {
        if isAwaitingHandshake { return handshakeReceived(.failure(.canceled)) }
        return close(.slowClient)
    }

    /// The client was cut because it did not read.
    mutating func cutAsSlow() -> Action {
        let before = state
        state = .closed
        switch before {
        case .closing, .closed: return .nothing
        case .awaitingHandshake: return .finish(.handshakeFailed, tellsHub: false)
        case .subscribing, .connecting: return .finish(.slowClient, tellsHub: false)
        case .active: return .finish(.slowClient, tellsHub: true)
        }
    }

    /// What the hub wants said has no form in the client's protocol.
    mutating func failedToSend(_ error: HubValueError) -> Action { close(.unwritable(error)) }

    /// It is old enough.
    mutating func retire() -> Action { close(.retired) }

    mutating func drain() -> Action { close(.shutdown) }

    /// The transport has ended.
    ///
    /// - Parameter isOrderly: it ended with a Close frame.
    /// - Parameter isInsideRecord: the last record has no end.
    mutating func transportEnded(isOrderly: Bool, isInsideRecord: Bool) -> Action {
        let before = state
        state = .closed
        switch before {
        case .closing, .closed: return .nothing
        case .awaitingHandshake: return .finish(.handshakeFailed, tellsHub: false)
        case .subscribing, .connecting: return .finish(.clientGone, tellsHub: false)
        case .active:
            if !isOrderly { return .finish(.connectionLost, tellsHub: true) }
            let end: HubEnd =
                isInsideRecord ? .protocolViolation(.terminatedInsideRecord) : .clientGone
            return .finish(end, tellsHub: true)
        }
    }

    private mutating func close(_ end: HubEnd) -> Action {
        let before = state
        if isOpen { state = .closing }
        switch before {
        case .closing, .closed: return .nothing
        // A client without an answer would not understand a Close message.
        case .awaitingHandshake, .subscribing: return .refuseHandshake(.canceled)
        case .connecting: return .close(end, tellsHub: false)
        case .active: return .close(end, tellsHub: true)
        }
    }

    private var liveness: Liveness? {
        switch state {
        case .connecting(let liveness), .active(let liveness): liveness
        case .awaitingHandshake, .subscribing, .closing, .closed: nil
        }
    }

    private mutating func updateLiveness(_ body: (inout Liveness) -> Void) {
        guard var liveness else { return }
        body(&liveness)
        state = isActive ? .active(liveness) : .connecting(liveness)
    }
}

extension HubStateMachine.Liveness {
    fileprivate mutating func noteActivity(_ now: MonotonicInstant) {
        if case .limited = silence { silence = .limited(since: now) }
    }
}
