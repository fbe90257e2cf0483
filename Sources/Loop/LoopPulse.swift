// LoopPulse: whether a loop still turns, for others to see.
//
//   loop, each beat: beatAt = now          any thread: now - beatAt > 30 s ─▶ it is stuck
//
// Thread: written by the loop, read by any.  Allocates: once.

import Synchronization

public final class LoopPulse: Sendable {
    private let beatAt: Atomic<UInt64>

    public init(at now: MonotonicInstant) { beatAt = Atomic(now.nanoseconds) }

    func beat(at now: MonotonicInstant) { beatAt.store(now.nanoseconds, ordering: .relaxed) }

    /// How long ago the loop last began a tick, but for a twentieth of a second.
    public func age(at now: MonotonicInstant) -> Duration {
        let beat = MonotonicInstant(nanoseconds: beatAt.load(ordering: .relaxed))
        return max(.zero, beat.duration(to: now))
    }
}
