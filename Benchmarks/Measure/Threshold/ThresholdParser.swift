// ThresholdParser: the text of thresholds, as --threshold takes it.
//
//   list       = threshold *( "," threshold )
//   threshold  = figure comparison number [ unit ]        blanks between them mean nothing
//   figure     = latency "." statistic / "metrics." name / "errors" [ "." name ]
//   comparison = "<" / "<=" / ">" / ">=" / "=="
//   unit       = "ns" / "us" / "µs" / "ms" / "s"          of times only, and needed there
//
// Thread: pure functions.  Allocates: the result.

extension Threshold {
    private static let units: KeyValuePairs<String, Double> = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9,
    ]

    /// One or several with commas between them.
    public static func parse(list text: String) throws(ThresholdViolation) -> [Threshold] {
        var thresholds: [Threshold] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            thresholds.append(try parse(String(part)))
        }
        return thresholds
    }

    public static func parse(_ text: String) throws(ThresholdViolation) -> Threshold {
        let isSign = { (character: Character) in "<>=!".contains(character) }
        guard let start = text.firstIndex(where: isSign) else {
            throw violation(text, "no comparison; there are \(list(Comparison.allCases))")
        }
        let end = text[start...].firstIndex { !isSign($0) } ?? text.endIndex
        guard let comparison = Comparison(rawValue: String(text[start..<end])) else {
            throw violation(
                text,
                "no comparison \"\(text[start..<end])\"; there are \(list(Comparison.allCases))")
        }
        let figure = try figure(trimmed(text[..<start]), text)
        let limit = try limit(trimmed(text[end...]), of: figure, text)
        return Threshold(
            text: String(trimmed(text[...])), figure: figure, comparison: comparison, limit: limit)
    }

    private static func figure(
        _ name: Substring, _ text: String
    ) throws(ThresholdViolation) -> Figure {
        let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if parts == ["errors"] { return .errors(nil) }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw violation(
                text, "\"\(name)\" is no figure; write LATENCY.STATISTIC, metrics.NAME, or errors")
        }
        switch parts[0] {
        case "errors": return .errors(String(parts[1]))
        case "metrics": return .metric(String(parts[1]))
        default:
            guard let statistic = LatencyStatistic(rawValue: String(parts[1])) else {
                throw violation(
                    text,
                    "no statistic \"\(parts[1])\"; there are \(list(LatencyStatistic.allCases))")
            }
            return .latency(String(parts[0]), statistic)
        }
    }

    private static func limit(
        _ value: Substring, of figure: Figure, _ text: String
    ) throws(ThresholdViolation) -> Double {
        // The unit is the letters at the end; "inf" and "nan" leave nothing that is a number.
        let letterCount = value.reversed().prefix { $0.isLetter }.count
        let unit = value.suffix(letterCount)
        let digits = trimmed(value.dropLast(letterCount))
        guard let number = Double(digits), number.isFinite else {
            throw violation(text, "\"\(value)\" is no number with a unit")
        }
        if case .latency(_, let statistic) = figure, statistic != .count {
            guard let factor = units.first(where: { $0.key == unit })?.value else {
                let problem = unit.isEmpty ? "a time needs a unit" : "no unit \"\(unit)\""
                throw violation(text, "\(problem); there are ns us ms s")
            }
            return number * factor
        }
        guard unit.isEmpty else { throw violation(text, "this figure has no unit") }
        return number
    }

    private static func violation(_ text: String, _ problem: String) -> ThresholdViolation {
        ThresholdViolation(description: "threshold \"\(text)\": \(problem)")
    }

    private static func list<Choice: RawRepresentable<String>>(_ choices: [Choice]) -> String {
        choices.map(\.rawValue).joined(separator: " ")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let blankCount = text.reversed().prefix { $0.isWhitespace }.count
        return text.dropLast(blankCount).drop { $0.isWhitespace }
    }
}
