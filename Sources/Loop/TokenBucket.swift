// TokenBucket: at most so many of something per second, with room for a burst.
//
//   full ────┐        tokens = the time that has passed since it was empty, up to the burst
//            │╲take    ╱╲
//            │  ╲    ╱    ╲   ╱
//   empty ───┴────╲╱────────╲╱──── debt: `take` refuses, `charge` goes on
//
// What is kept is not a number of tokens, which time would change, but the moment at which the bucket
// will be full again: eight bytes that only a taking touches ("virtual scheduling").
//
// Thread: pure values.  Allocates: never.
// Source: ITU-T I.371, annex A (generic cell rate algorithm).

/// So many per second, and so many at once.
public struct RateLimit: Hashable, Sendable {
    /// Nanoseconds in which one token comes; 1 to an hour.
    let interval: UInt64
    /// Nanoseconds in which an empty bucket becomes full.
    let capacity: UInt64

    /// Traps unless the count, the burst and the time are positive, and one token comes within an hour.
    ///
    /// - Parameters:
    ///   - count: tokens per `duration`; at most one per nanosecond.
    ///   - burst: tokens of a full bucket, 1 to 1,000,000.
    public init(_ count: Int, per duration: Duration = .seconds(1), burst: Int) {
        precondition(count > 0 && duration > .zero && (1...1_000_000).contains(burst))
        interval = max(1, UInt64(duration.nanoseconds) / UInt64(count))
        precondition(interval <= 3_600_000_000_000)
        capacity = interval * UInt64(burst)
    }

    /// The longest wait of one who spends token by token.
    public var intervalMax: Duration { .nanoseconds(Int64(interval)) }
}

/// What one connection, user or address may still do. Full when it is made.
public struct TokenBucket: Equatable, Sendable {
    /// Of the monotonic clock, in nanoseconds; in the past where the bucket is full.
    private(set) var fullAt: UInt64 = 0

    public init() {}

    /// Takes a token if there is one.
    public mutating func take(_ limit: RateLimit, at now: MonotonicInstant) -> Bool {
        let next = max(fullAt, now.nanoseconds) + limit.interval
        if next > now.nanoseconds + limit.capacity { return false }
        fullAt = next
        return true
    }

    /// Takes a token whether there is one or not; true if another is left.
    public mutating func charge(_ limit: RateLimit, at now: MonotonicInstant) -> Bool {
        fullAt = max(fullAt, now.nanoseconds) + limit.interval
        return hasToken(limit, at: now)
    }

    /// Whether a token is there, or debts are paid and the next one is.
    public func hasToken(_ limit: RateLimit, at now: MonotonicInstant) -> Bool {
        hasTokenAt(limit) <= now
    }

    /// When the next `take` will succeed, if nobody takes before.
    public func hasTokenAt(_ limit: RateLimit) -> MonotonicInstant {
        let spent = fullAt + limit.interval
        return MonotonicInstant(
            nanoseconds: spent > limit.capacity ? spent - limit.capacity : 0)
    }
}
