// Backoff: how long to leave a dependency alone that does not answer.
//
//   100 ms doubling to 2 s (each up to a quarter longer), for as long as it takes
//
// The random part keeps many waiters from coming back in the same moment.
//
// Thread: values of one thread.  Allocates: never.

/// Growing pauses while a dependency is away.
public struct Backoff: Sendable {
    public var first: Duration = .milliseconds(100)
    /// What an outage may last longer for us than it did. A try is cheap for both sides.
    public var most: Duration = .seconds(2)
    private var failureCount = 0

    public init() {}

    /// The pause after one more failure.
    public mutating func next(random: some RandomSource) -> Duration {
        // 2^16 is far above any sensible `most`; without the cap the shift would overflow.
        let pause = first * (1 << min(failureCount, 16))
        failureCount += 1
        return min(pause, most).withJitter(random)
    }

    public mutating func reset() { failureCount = 0 }
}

extension Duration {
    /// Between this and a quarter more.
    public func withJitter(_ random: some RandomSource) -> Duration {
        let quarter = UInt64(max(1, nanoseconds / 4))
        return self + .nanoseconds(Int64(random.below(quarter)))
    }
}
