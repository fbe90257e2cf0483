import Foundation
import Loop
import Testing
import TestSupport

@testable import Hub

/// ISO 8601 as System.Text.Json reads and writes it.
@Suite("HubTimestamp") struct HubTimestampTests {
    /// J04: the moment is that of the offset.
    @Test(
        arguments: [
            ("2016-05-10T13:51:20+12:34", 1_462_843_040, 0), ("1970-01-01", 0, 0),
            ("1970-01-01T00:00", 0, 0), ("1970-01-01T00:00Z", 0, 0),
            ("1970-01-01T00:00:00.5", 0, 500_000_000),
            ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
            ("2017-04-11T00:00:00Z", 1_491_868_800, 0),
            ("2000-02-29T12:00:00-01:30", 951_831_000, 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
            ("9999-12-31T23:59:59.1234567890123456Z", 253_402_300_799, 123_456_789),
            ("2024-02-29T00:00:00+14:00", 1_709_114_400, 0),
        ] as [(String, Int64, UInt32)])
    func `a date is read`(text: String, seconds: Int64, nanoseconds: UInt32) {
        #expect(HubTimestamp(text) == HubTimestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "2017", "2017-04", "2017-4-11", "17-04-11", "2017-04-11 00:00:00Z", "2017-04-11T",
        "2017-04-11T00", "2017-04-11T24:00", "2017-04-11T00:60", "2017-04-11T00:00:60",
        "2017-04-11T00:00:00.Z", "2017-04-11T00:00:00.12345678901234567Z", "2017-04-11T00:00:00z",
        "2017-04-11T00:00:00+1", "2017-04-11T00:00:00+01", "2017-04-11T00:00:00+0100",
        "2017-04-11T00:00:00+14:01", "2017-04-11T00:00:00+01:60", "2017-04-11T00:00:00ZZ",
        "2017-02-29", "2100-02-29", "2017-13-01", "2017-00-01", "2017-04-31", "2017-04-00",
        "0000-01-01", "2017-04-11Z", "2017-04-11T00:00:00 Z", "+017-04-11", "２017-04-11",
    ])
    func `what is no date is none`(text: String) {
        #expect(HubTimestamp(text) == nil)
    }

    @Test func `no prefix of a date is another moment of it than the shorter forms`() {
        let text = "2017-04-11T10:20:30.25+01:00"
        let complete = [10, 16, 19, 21, 22, 28]
        for count in 0..<text.count {
            #expect((HubTimestamp(String(text.prefix(count))) != nil) == complete.contains(count))
        }
    }

    @Test(
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (-1, 1, "1969-12-31T23:59:59.000000001Z"),
            (0, 120_000_000, "1970-01-01T00:00:00.12Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
            (253_402_300_800, 0, "253402300800 s"), (-62_135_596_801, 0, "-62135596801 s"),
        ] as [(Int64, UInt32, String)])
    func `a moment is written with the digits that say something`(
        seconds: Int64, nanoseconds: UInt32, text: String
    ) {
        #expect(HubTimestamp(seconds: seconds, nanoseconds: nanoseconds).description == text)
    }

    @Test func `any moment of four digits comes back, and is what the wall clock says`() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<5000 {
            let moment = HubTimestamp(
                seconds: .random(in: HubTimestamp.writableSeconds, using: &random),
                nanoseconds: .random(in: 0...HubTimestamp.nanosecondsMax, using: &random))
            #expect(HubTimestamp(moment.description) == moment)
        }
        let wall = WallTime(microseconds: -1_234_567)
        #expect(HubTimestamp(wall) == HubTimestamp(seconds: -2, nanoseconds: 765_433_000))
        #expect(HubTimestamp(wall.description) == HubTimestamp(wall))
    }
}
