// HubCancellation: tells a running method that nobody waits for it any more.
//
//   CancelInvocation, end of the connection ─▶ cancel ─▶ every handler, once
//
// Thread: any.  Allocates: one object per call; a handler each.

import Synchronization

public final class HubCancellation: Sendable {
    private struct State {
        var isCancelled = false
        var handlers: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    public init() {}

    public var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// - Parameter handler: called once: on the thread that cancels, or at once if that is past.
    ///   It must not block.
    public func onCancel(_ handler: @escaping @Sendable () -> Void) {
        let isPast = state.withLock { state in
            if !state.isCancelled { state.handlers.append(handler) }
            return state.isCancelled
        }
        if isPast { handler() }
    }

    /// What comes after the first time does nothing.
    func cancel() {
        let handlers = state.withLock { state in
            state.isCancelled = true
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// The method has ended; what is cancelled later concerns it no more.
    func disarm() { state.withLock { $0.handlers = [] } }
}
