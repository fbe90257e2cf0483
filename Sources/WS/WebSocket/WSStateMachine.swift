// WSStateMachine: how a WebSocket ends.
//
//                  close(code) / send Close, wait
//            ┌──────────────────────────────────────▶ closeSent ─────┐
//   open ────┤                                                       │ peer's Close / finish
//            │ peer's Close / answer it, finish                      │ violation    / finish
//            │ violation    / send its code, finish                  │ too late     / cut
//            │ TCP gone     / report                                 │ TCP gone     / report
//            └──────────────────────────────────────▶ closed ◀───────┘
//
// "Close received" is no state of its own: the answer goes out in the same step. In `closed` nothing
// is read and nothing is sent. The machine touches no socket and no clock; it says what to do.
//
// Thread: a pure value.  Allocates: never.  Source: RFC 6455 §5.5.1, §7.1.

import Loop

/// How a WebSocket came to its end.
public enum WSEnding: Equatable, Sendable {
    /// The peer sent a Close frame first; `noStatus` if it had no code.
    case closedByPeer(CloseCode)
    /// We sent a Close frame first, whether or not the peer answered in time.
    case closedByUs(CloseCode)
    /// The peer broke a rule.
    case failed(FrameViolation)
    /// The connection ended without any Close frame.
    case lost(CloseReason)

    /// What a browser would show for it.
    public var code: CloseCode {
        switch self {
        case .closedByPeer(let code), .closedByUs(let code): code
        case .failed(let violation): violation.closeCode
        case .lost: .abnormal
        }
    }
}

struct WSStateMachine {
    enum State: Equatable {
        case open
        /// Our Close frame is on its way; messages are no longer delivered.
        case closeSent(CloseCode)
        case closed
    }

    /// What the connection has to do.
    enum Action: Equatable {
        case nothing
        /// Send a Close frame, wait for the answer for `WSLimits.closeTimeout`.
        case sendCloseAndWait(CloseCode)
        /// Send a Close frame, close TCP after it, report the ending.
        case sendCloseAndFinish(CloseCode, WSEnding)
        /// Close TCP after what is queued, report the ending.
        case finish(WSEnding)
        /// Reset TCP, report the ending.
        case cut(WSEnding)
        /// TCP is gone already: only report the ending.
        case report(WSEnding)
    }

    private(set) var state = State.open

    /// The layer above wants to close.
    mutating func close(_ code: CloseCode) -> Action {
        guard state == .open else { return .nothing }
        state = .closeSent(code)
        return .sendCloseAndWait(code)
    }

    mutating func receivedClose(_ code: CloseCode) -> Action {
        switch state {
        case .open:
            state = .closed
            // The answer usually repeats the code it received (§5.5.1).
            return .sendCloseAndFinish(code, .closedByPeer(code))
        case .closeSent(let own):
            state = .closed
            return .finish(.closedByUs(own))
        case .closed:
            return .nothing
        }
    }

    mutating func received(_ violation: FrameViolation) -> Action {
        switch state {
        case .open:
            state = .closed
            return .sendCloseAndFinish(violation.closeCode, .failed(violation))
        case .closeSent(let own):
            state = .closed
            return .finish(.closedByUs(own))
        case .closed:
            return .nothing
        }
    }

    /// The answer to our Close frame has not come in time.
    mutating func closeTimedOut() -> Action {
        guard case .closeSent(let own) = state else { return .nothing }
        state = .closed
        return .cut(.closedByUs(own))
    }

    /// The peer will send no more bytes.
    mutating func peerClosed() -> Action {
        switch state {
        case .open:
            state = .closed
            return .finish(.lost(.peerGone))
        case .closeSent(let own):
            state = .closed
            return .finish(.closedByUs(own))
        case .closed:
            return .nothing
        }
    }

    /// The connection exists no more.
    mutating func connectionEnded(_ reason: CloseReason) -> Action {
        switch state {
        case .open:
            state = .closed
            return .report(.lost(reason))
        case .closeSent(let own):
            state = .closed
            return .report(.closedByUs(own))
        case .closed:
            return .nothing
        }
    }
}
