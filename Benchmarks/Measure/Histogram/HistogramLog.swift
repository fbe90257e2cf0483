// HistogramLog: histograms over time as lines of text, as the plotters of HdrHistogram read them.
//
//   #[Histogram log format version 1.3]
//   #[BaseTime: 1441812279.474 (seconds since epoch)]
//   #[StartTime: 1441812279.474 (seconds since epoch), Wed Sep 09 15:24:39 UTC 2015]
//   "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
//   Tag=fanout,0.127,1.007,2.769,HISTFAAAAEV42pNpmSzM…
//       │      │     │     └ the largest value of the interval, in milliseconds
//       │      │     └ its length, in seconds
//       │      └ its start, in seconds after the base time
//       └ absent for the one series that has no name
//
// Thread: any.  Allocates: the text.
// Source: HdrHistogram, "HistogramLogWriter", "HistogramLogReader".

public struct HistogramLog: Equatable {
    public struct Interval: Equatable {
        /// The series; no comma, blank or line end, not empty. Nil for the one without a name.
        public var tag: String?
        /// Seconds after the log's base time; counted from 1970 if it has none.
        public var start: Double
        /// Seconds.
        public var length: Double
        public var histogram: Histogram

        public init(tag: String?, start: Double, length: Double, histogram: Histogram) {
            self.tag = tag
            self.start = start
            self.length = length
            self.histogram = histogram
        }
    }

    /// Seconds since 1970.
    public var baseTime: Double?
    public var startTime: Double?
    /// In the order of the file; intervals of different series may lie over each other.
    public var intervals: [Interval]

    public init(baseTime: Double?, startTime: Double?, intervals: [Interval] = []) {
        self.baseTime = baseTime
        self.startTime = startTime
        self.intervals = intervals
    }

    static let basePrefix = "#[BaseTime: "
    static let startPrefix = "#[StartTime: "
    static let tagPrefix = "Tag="
}

// MARK: Writing

extension HistogramLog {
    /// The lines in front of the first interval.
    /// - Parameters:
    ///   - startTime: of the run, in seconds since 1970. Intervals count from it.
    ///   - comments: a line each; without line ends.
    public static func header(startTime: Double, comments: [String] = []) -> String {
        var text = ""
        for comment in comments { text += "#\(comment)\n" }
        text += "#[Histogram log format version 1.3]\n"
        text += "\(basePrefix)\(Numeral.fixed(startTime, 3)) (seconds since epoch)]\n"
        text += "\(startPrefix)\(Numeral.fixed(startTime, 3)) (seconds since epoch), "
        text += "\(UTCTime(secondsSince1970: Int(startTime)).dateText)]\n"
        text += "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
        return text + "\"Interval_Compressed_Histogram\"\n"
    }

    /// One line, with its end.
    public static func line(_ interval: Interval) -> String {
        var text = ""
        if let tag = interval.tag {
            precondition(isTag(tag), "a tag has neither comma nor blank")
            text = "\(tagPrefix)\(tag),"
        }
        let maximum = Double(interval.histogram.maximum) / 1e6
        for number in [interval.start, interval.length, maximum] {
            text += "\(Numeral.fixed(number, 3)),"
        }
        return "\(text)\(interval.histogram.base64)\n"
    }

    static func isTag(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && !text.contains { $0 == "," || $0.isWhitespace || $0.isNewline }
    }
}

// MARK: Reading

/// Why a text is no histogram log.
public struct HistogramLogViolation: Error, Equatable, Sendable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    public let description: String
}

extension HistogramLog {
    public init(text: String) throws(HistogramLogViolation) {
        self.init(baseTime: nil, startTime: nil)
        // A carriage return and a line feed are one Character, and a new line like each of them.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            do {
                try read(line)
            } catch {
                throw HistogramLogViolation(
                    line: index + 1, description: "line \(index + 1) of the log: \(error.text)")
            }
        }
    }

    private struct LineError: Error { let text: String }

    private mutating func read(_ line: Substring) throws(LineError) {
        if line.hasPrefix(Self.basePrefix) {
            baseTime = try Self.seconds(line.dropFirst(Self.basePrefix.count).prefix { $0 != " " })
        } else if line.hasPrefix(Self.startPrefix) {
            startTime = try Self.seconds(
                line.dropFirst(Self.startPrefix.count).prefix { $0 != " " })
        } else if !line.isEmpty, !line.hasPrefix("#"), !line.hasPrefix("\"") {
            intervals.append(try Self.interval(line))
        }
    }

    private static func interval(_ line: Substring) throws(LineError) -> Interval {
        var fields = line.split(separator: ",", omittingEmptySubsequences: false)[...]
        var tag: String?
        if let first = fields.first, first.hasPrefix(tagPrefix) {
            tag = String(first.dropFirst(tagPrefix.count))
            guard isTag(tag!) else { throw LineError(text: "an empty tag, or one with a blank") }
            fields = fields.dropFirst()
        }
        guard fields.count == 4 else { throw LineError(text: "not start,length,maximum,histogram") }
        let start = try seconds(fields[fields.startIndex])
        let length = try seconds(fields[fields.startIndex + 1])
        _ = try seconds(fields[fields.startIndex + 2])
        do {
            let histogram = try Histogram(base64: String(fields[fields.endIndex - 1]))
            return Interval(tag: tag, start: start, length: length, histogram: histogram)
        } catch {
            throw LineError(text: "the histogram is damaged (\(error))")
        }
    }

    private static func seconds(_ text: Substring) throws(LineError) -> Double {
        guard let number = Double(text), number.isFinite, number >= 0 else {
            throw LineError(text: "\"\(text)\" is no number of seconds")
        }
        return number
    }
}
