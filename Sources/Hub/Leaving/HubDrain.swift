// HubDrain: one pace for the connections of all loops, and how far they are.
//
//   loop 0 ─ begin, take, ended ─▶ ┌───────────┐
//   loop 1 ─ begin, take, ended ─▶ │ DrainPace │ ◀─ progress ─ main, /metrics
//                                  └───────────┘
//
// Thread: any; behind a lock, which nobody takes before the drain.  Allocates: in init.

import Loop
import Synchronization

public final class HubDrain: Sendable {
    /// How far a drain is.
    public struct Progress: Equatable, Sendable {
        /// Connections when it began.
        public internal(set) var count = 0
        /// Those of them that are still open.
        public internal(set) var leftCount = 0
        /// Connections closed by the drain.
        public internal(set) var closedCount = 0
        /// Those of them that had something under way.
        public internal(set) var cutCount = 0
        /// Connections closed per second; 0 before the drain.
        public internal(set) var rate = 0
        /// Whether all can leave at this pace in time; the last ones are closed at once if not.
        public internal(set) var isEnough = true

        public init() {}
    }

    private struct State {
        var pace: DrainPace?
        var closedCount = 0
        var cutCount = 0
    }

    private let rate: Int?
    private let window: Duration
    private let state = Mutex(State())

    init(rate: Int?, window: Duration) {
        self.rate = rate
        self.window = window
    }

    public var progress: Progress {
        state.withLock { state in
            var progress = Progress()
            progress.closedCount = state.closedCount
            progress.cutCount = state.cutCount
            guard let pace = state.pace else { return progress }
            progress.count = pace.count
            progress.leftCount = pace.leftCount
            progress.rate = pace.rate
            progress.isEnough = pace.isEnough
            return progress
        }
    }

    // MARK: From the loops

    /// A loop begins with so many connections; the first one starts the clock.
    func begin(_ connectionCount: Int, at now: MonotonicInstant) {
        state.withLock { state in
            if state.pace == nil { state.pace = DrainPace(rate: rate, window: window, at: now) }
            state.pace?.add(connectionCount)
        }
    }

    /// Turns for a loop.
    ///
    /// - Returns: how many connections it is to close now, and whether busy ones are among them.
    func take(
        idle idleCount: Int, busy busyCount: Int, at now: MonotonicInstant
    ) -> (count: Int, includeBusy: Bool) {
        state.withLock { state in
            guard var pace = state.pace else { return (0, false) }
            let isLate = pace.isLate(at: now)
            let count = pace.take(atMost: idleCount + (isLate ? busyCount : 0), at: now)
            state.pace = pace
            return (count, isLate)
        }
    }

    /// A connection is closed.
    func closed(isCut: Bool) {
        state.withLock { state in
            state.closedCount += 1
            if isCut { state.cutCount += 1 }
        }
    }

    /// A connection that was open at `begin` has ended, by its turn or by itself.
    func ended() {
        state.withLock { (state) -> Void in state.pace?.ended() }
    }
}
