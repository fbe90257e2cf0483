// RetryPolicy: when a failed message is tried again, and how long to leave a dead dependency alone.
//
//   message      1 s, 2 s, 4 s, 8 s, 16 s (each up to a quarter longer), then the dead letters
//   dependency   100 ms doubling to 10 s (each up to a quarter longer), for as long as it takes
//
// The random part keeps many waiters from coming back in the same moment.
//
// Thread: values of one thread.

import Loop

/// Delays between the tries of one message.
public struct RetryPolicy: Sendable {
    /// One entry per retry; as many retries as entries.
    public var delays: [Duration] = [1, 2, 4, 8, 16].map { .seconds($0) }

    public init() {}

    /// 1 s doubling, for that many retries.
    public init(retryCountMax: Int) {
        // 2^12 s is more than an hour; longer waits help nobody.
        delays = (0..<retryCountMax).map { .seconds(1 << min($0, 12)) }
    }

    /// The wait before the next try; nil when the tries are used up.
    public func delay(afterRetries count: Int, random: some RandomSource) -> Duration? {
        guard count < delays.count else { return nil }
        return delays[max(0, count)].withJitter(random)
    }
}

/// Growing pauses while a dependency is away.
public struct Backoff: Sendable {
    public var first: Duration = .milliseconds(100)
    public var most: Duration = .seconds(10)
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
    fileprivate func withJitter(_ random: some RandomSource) -> Duration {
        let quarter = UInt64(max(1, nanoseconds / 4))
        return self + .nanoseconds(Int64(random.below(quarter)))
    }
}
