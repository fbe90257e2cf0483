import Testing

@testable import Loop

@Suite struct TokenBucketTests {
    private static let second: UInt64 = 1_000_000_000

    private func instant(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Self.second * 100 + UInt64(seconds * 1e9))
    }

    @Test(arguments: [1, 2, 10]) func `a full bucket gives its burst at once, and not one more`(
        burst: Int
    ) {
        let limit = RateLimit(10, burst: burst)
        var bucket = TokenBucket()

        let taken = (0..<burst + 1).map { _ in bucket.take(limit, at: instant(0)) }

        #expect(taken == Array(repeating: true, count: burst) + [false])
    }

    @Test func `one token comes per interval, and no earlier`() {
        let limit = RateLimit(10, burst: 3)
        var bucket = TokenBucket()
        for _ in 0..<3 { _ = bucket.take(limit, at: instant(0)) }

        let next = bucket.hasTokenAt(limit)
        let taken = [0.099_999_999, 0.1, 0.1].map { bucket.take(limit, at: instant($0)) }

        #expect(next == instant(0.1))
        #expect(taken == [false, true, false])
    }

    @Test func `over a long time as many come as the rate says`() {
        let limit = RateLimit(600, per: .seconds(60), burst: 5)
        var bucket = TokenBucket()

        let taken = (0..<100_000).count { bucket.take(limit, at: instant(Double($0) / 1000)) }

        // 100 s at 10/s, and the burst.
        #expect(taken == 1000 + 4)
    }

    @Test func `an hour of rest saves no more than the burst`() {
        let limit = RateLimit(1000, burst: 2)
        var bucket = TokenBucket()
        _ = bucket.take(limit, at: instant(0))

        let taken = (0..<10).count { _ in bucket.take(limit, at: instant(3600)) }

        #expect(taken == 2)
    }

    @Test func `a charge goes below empty, and says whether another token is left`() {
        let limit = RateLimit(10, burst: 2)
        var bucket = TokenBucket()

        let left = (0..<3).map { _ in bucket.charge(limit, at: instant(0)) }

        #expect(left == [true, false, false])
        // One in debt: its interval, and that of the token to come.
        #expect(bucket.hasTokenAt(limit) == instant(0.2))
    }

    @Test func `a bucket takes eight bytes`() {
        #expect(MemoryLayout<TokenBucket>.size == 8)
    }
}
