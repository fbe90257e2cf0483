// PeerWatch: tells a handler that takes its time that nobody waits for its answer any more.
//
//   handler: onPeerGone { … } ─▶ waiting ─┬─ answered ─▶ over
//                                         └─ the connection, or its sending side, ends ─▶ told once
//
// Thread: armed on any thread, told on the connection's loop.  Allocates: one object per request of a
// route that watches.

import Synchronization

final class PeerWatch: Sendable {
    private enum State: Sendable { case quiet, armed(@Sendable () -> Void), gone }

    private let state = Mutex(State.quiet)

    /// - Parameter handler: called once, at once if the peer has gone before.
    func arm(_ handler: @escaping @Sendable () -> Void) {
        let isGone = state.withLock { state in
            if case .gone = state { return true }
            state = .armed(handler)
            return false
        }
        if isGone { handler() }
    }

    func peerGone() {
        let handler = state.withLock { state -> (@Sendable () -> Void)? in
            defer { state = .gone }
            if case .armed(let handler) = state { return handler }
            return nil
        }
        handler?()
    }

    /// The answer is on its way.
    func answered() { state.withLock { $0 = .quiet } }
}
