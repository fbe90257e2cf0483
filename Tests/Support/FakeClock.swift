// FakeClock: a clock that stands still until a test moves it.

import Loop
import Synchronization

public final class FakeClock: TimeSource {
    private let elapsed = Mutex<Duration>(.zero)
    private let origin: WallTime

    /// Starts at the given wall time, by default 2026-01-01T00:00:00Z.
    public init(wall: WallTime = WallTime(microseconds: 1_767_225_600_000_000)) { origin = wall }

    public var monotonicNow: MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000).advanced(by: elapsed.withLock { $0 })
    }
    public var wallNow: WallTime { origin.advanced(by: elapsed.withLock { $0 }) }

    public func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}
