// ComparisonTable: a comparison as text for people.
//
//                         a        b    b/a           95 %      p
//   fanout p50      1.23 ms  1.10 ms  0.894  0.871 … 0.912  0.008  better
//   fanout p99      14.1 ms  14.3 ms  1.014  0.962 … 1.071  0.548  no difference
//
// Thread: pure functions.  Allocates: the text.

extension Comparison {
    /// Lines, each with its end.
    public var table: String {
        var columns = TextColumns(.left, .right, .right, .right, .right, .right, .left)
        let hasP = rows.contains { $0.p != nil }
        columns.append(["", "a", "b", "b/a", "95 %"] + (hasP ? ["p"] : []))
        for row in rows {
            var fields = [row.name, row.text(row.first), row.text(row.second)]
            fields.append(row.ratio.map { Numeral.fixed($0.ratio, 3) } ?? "")
            fields.append(row.ratio?.interval.map(Self.text) ?? "")
            if hasP { fields.append(row.p.map(Self.probability) ?? "") }
            columns.append(fields + [row.verdict.text])
        }
        return columns.lines().map { $0 + "\n" }.joined()
    }

    private static func text(_ interval: ClosedRange<Double>) -> String {
        "\(Numeral.fixed(interval.lowerBound, 3)) … \(Numeral.fixed(interval.upperBound, 3))"
    }

    private static func probability(_ p: Double) -> String {
        p < 0.001 ? "<0.001" : Numeral.fixed(p, 3)
    }

    /// A line for a group: how many runs, against whom, of which commit.
    public static func heading(_ name: String, _ results: [RunResult]) -> String {
        let targets = Set(results.map(\.target.text)).sorted().joined(separator: ", ")
        let commits = Set(results.compactMap(\.commit)).map { String($0.prefix(12)) }.sorted()
        let count = results.count == 1 ? "1 run" : "\(results.count) runs"
        let commit = commits.isEmpty ? "" : ", commit \(commits.joined(separator: ", "))"
        return "\(name)  \(count) of \(results[0].scenario) on \(targets)\(commit)"
    }
}

extension Comparison.Row {
    fileprivate func text(_ value: Double) -> String {
        isTime ? Quantity.time(value) : Quantity.plain(value)
    }
}

extension Comparison.Verdict {
    var text: String {
        switch self {
        case .better: "better"
        case .worse: "worse"
        case .different: "different"
        case .noDifference: "no difference"
        case .unknown: "?"
        }
    }
}
