// RetryPolicy: when a failed message is tried again.
//
//   1 s, 2 s, 4 s, 8 s, 16 s (each up to a quarter longer), then the dead letters
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
