import Testing

@testable import Measure

@Suite struct HistogramLogTests {
    private static func histogram(_ values: UInt64...) -> Histogram {
        let histogram = Histogram()
        for value in values { histogram.record(value) }
        return histogram
    }

    @Test func `a log is written as the format says`() {
        let header = HistogramLog.header(
            startTime: 1_441_812_279.4744, comments: ["[scenario fanout]"])
        let line = HistogramLog.line(
            .init(tag: "fanout", start: 0.127, length: 1.0071, histogram: Self.histogram(2_769_000))
        )

        #expect(
            header == """
                #[scenario fanout]
                #[Histogram log format version 1.3]
                #[BaseTime: 1441812279.474 (seconds since epoch)]
                #[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 15:24:39 UTC 2015]
                "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"

                """)
        #expect(line.hasPrefix("Tag=fanout,0.127,1.007,2.771,HISTFAAA"))
        #expect(line.hasSuffix("\n"))
    }

    @Test func `what was written is read`() throws {
        let intervals = [
            HistogramLog.Interval(
                tag: nil, start: 0, length: 1, histogram: Self.histogram(1, 2, 3)),
            HistogramLog.Interval(
                tag: "connect", start: 1, length: 0.5, histogram: Self.histogram(1 << 30)),
        ]
        let text =
            HistogramLog.header(startTime: 12.5) + intervals.map(HistogramLog.line).joined()

        let log = try HistogramLog(text: text)

        #expect(log == HistogramLog(baseTime: 12.5, startTime: 12.5, intervals: intervals))
    }

    @Test func `line ends of another system and missing headers are read`() throws {
        let line = HistogramLog.line(
            .init(tag: nil, start: 3, length: 1, histogram: Self.histogram(9)))

        let log = try HistogramLog(text: "#anything\r\n" + line.dropLast() + "\r\n\r\n")

        #expect(log.baseTime == nil)
        #expect(log.intervals.map(\.start) == [3])
        #expect(log.intervals[0].histogram == Self.histogram(9))
    }

    @Test func `each broken-off line is refused, with its number`() {
        let line = HistogramLog.line(
            .init(tag: "a", start: 3, length: 1, histogram: Self.histogram(9))
        ).dropLast()
        for count in 1..<line.count {
            let error = #expect(throws: HistogramLogViolation.self) {
                try HistogramLog(text: "#comment\n" + line.prefix(count) + "\n")
            }
            #expect(error?.line == 2)
        }
    }

    @Test(arguments: [
        "Tag=,1,1,1,X", "Tag=a b,1,1,1,X", "x,1,1,X", "-1,1,1,X", "nan,1,1,X", "1,inf,1,X",
        "1,1,1,X",
        "1,1,1,X,X", "#[BaseTime: soon]", "#[StartTime: ]",
    ])
    func `a line that makes no sense is refused`(line: String) {
        #expect(throws: HistogramLogViolation.self) { try HistogramLog(text: line) }
    }
}
