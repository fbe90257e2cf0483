import Testing

@testable import Loop

@Suite struct TLSTicketScheduleTests {
    private static let hour = 3600
    private static let secret = [UInt8](repeating: 7, count: 32)

    private func schedule(_ source: TLSTicketSchedule.Source) -> TLSTicketSchedule {
        TLSTicketSchedule(source, period: .seconds(Self.hour))
    }

    private func hours(_ hours: Double) -> WallTime {
        WallTime(microseconds: Int64(hours * Double(Self.hour)) * 1_000_000)
    }

    @Test func `pods that share a secret seal with the same key at the same time`() {
        var one = schedule(.secret(Self.secret))
        var other = schedule(.secret(Self.secret))
        _ = one.keys(at: hours(10))

        #expect(one.keys(at: hours(99.5)) == other.keys(at: hours(99.1)))
        #expect(one.keys(at: hours(99)).first != one.keys(at: hours(100)).first)
    }

    @Test func `what was sealed an hour ago, or by a clock ahead, is opened; older is not`() throws
    {
        var schedule = schedule(.secret(Self.secret))
        let sealed = try #require(schedule.keys(at: hours(50)).first)

        #expect(schedule.keys(at: hours(49.9)).contains(sealed))
        #expect(schedule.keys(at: hours(51.9)).contains(sealed))
        #expect(!schedule.keys(at: hours(52)).contains(sealed))
    }

    @Test func `another secret makes other keys`() {
        var one = schedule(.secret(Self.secret))
        var other = schedule(.secret([UInt8](repeating: 8, count: 32)))

        #expect(
            Set(one.keys(at: hours(1)).map(\.name)).isDisjoint(
                with: other.keys(at: hours(1)).map(\.name)))
    }

    @Test func `random keys are kept for one more period, then forgotten`() throws {
        var schedule = schedule(.random)
        let first = try #require(schedule.keys(at: hours(5)).first)

        #expect(schedule.keys(at: hours(5.9)) == [first])
        let next = schedule.keys(at: hours(6))
        #expect(next.count == 2 && next.first != first && next.last == first)
        #expect(!schedule.keys(at: hours(7)).contains(first))
    }

    @Test func `random keys of a process that slept are forgotten`() {
        var schedule = schedule(.random)
        let first = schedule.keys(at: hours(5))

        #expect(schedule.keys(at: hours(7)).count == 1)
        #expect(!schedule.keys(at: hours(7)).contains(first[0]))
    }

    @Test func `given keys stay as they were given`() {
        let keys = [TLSTicketKey.random(), .random()]
        var schedule = schedule(.fixed(keys))

        #expect(schedule.keys(at: hours(1)) == keys)
        #expect(schedule.keys(at: hours(1000)) == keys)
    }

    @Test func `a derived key has the bytes that HKDF gives`() {
        // RFC 5869 §2 with an empty salt, computed by another implementation.
        let key = TLSTicketKey.derived(from: Self.secret, period: 42)

        let all = Array(key.name) + key.macKey + key.cipherKey
        #expect(all == Self.derived42)
    }

    private static let derived42: [UInt8] = [
        0xfd, 0x59, 0x4d, 0x90, 0x59, 0xcb, 0x6a, 0xe2, 0xee, 0xbb, 0xe7, 0x25, 0xa4, 0x3a,
        0x9d, 0xff, 0xb6, 0x1e, 0x7d, 0xb9, 0xd6, 0x9e, 0xbd, 0x03, 0x54, 0x4a, 0x07, 0x3f,
        0x5f, 0x3f, 0x95, 0xdb, 0x3b, 0x89, 0x46, 0x7d, 0xf2, 0x95, 0x2d, 0x2f, 0xac, 0x22,
        0x10, 0x1a, 0x35, 0x1e, 0x46, 0xc6, 0x98, 0x0f, 0x77, 0x6e, 0xad, 0x4d, 0xcb, 0x81,
        0xd1, 0x07, 0x8f, 0x2b, 0x17, 0xed, 0xa7, 0xe3, 0x87, 0x4c, 0x3c, 0x67, 0xb6, 0x27,
        0x2a, 0x97, 0xcd, 0xf1, 0x5f, 0x12, 0x2f, 0x17, 0x53, 0xfb,
    ]
}
