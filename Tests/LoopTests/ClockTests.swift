import Testing

@testable import Loop

@Suite struct ClockTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_770_199_965_123_456, "2026-02-04T10:12:45.123456Z"),
            (4_107_542_399_000_001, "2100-02-28T23:59:59.000001Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func `wall time prints as RFC 3339 in UTC`(microseconds: Int64, text: String) {
        #expect(WallTime(microseconds: microseconds).description == text)
    }

    @Test(arguments: [(0, 0), (1, 1_000_000), (1_000_000, 1_000_000), (1_000_001, 2_000_000)])
    func `a short duration is whole milliseconds, rounded up`(nanoseconds: Int, rounded: UInt64) {
        let duration = ShortDuration(.nanoseconds(nanoseconds))
        #expect(duration.nanoseconds == rounded)
        #expect(duration.duration == .nanoseconds(rounded))
        let instant = MonotonicInstant(nanoseconds: 5)
        #expect(instant.advanced(by: duration) == instant.advanced(by: duration.duration))
    }

    @Test func `moving an instant back past the start stops there`() {
        let instant = MonotonicInstant(nanoseconds: 5).advanced(by: .seconds(-1))
        #expect(instant.nanoseconds == 0)
    }
}
