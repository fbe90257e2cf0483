// Comparison: two groups of results, figure by figure.
//
//   a.json a2.json …  ─▶ figures by name ─┐
//                                          ├─▶ Row: medians, ratio with interval, p, verdict
//   b.json b2.json …  ─▶ figures by name ─┘
//
// With one run on each side the intervals come from the histograms; with several, from the runs.
//
// Thread: a pure value.  Allocates: freely.

public struct Comparison: Equatable, Sendable {
    public enum Verdict: Equatable, Sendable {
        case better, worse
        /// Different, but nobody said which is better.
        case different
        case noDifference
        /// Too few runs or values to say.
        case unknown
    }

    public struct Row: Equatable, Sendable {
        public let name: String
        /// A time in nanoseconds; else a plain number.
        public let isTime: Bool
        /// Medians.
        public let first: Double
        public let second: Double
        /// Of the second to the first; nil if one of them is 0.
        public let ratio: RatioEstimate?
        /// Nil for one run on each side.
        public let p: Double?
        public let verdict: Verdict
    }

    public let rows: [Row]
    public let firstRunCount: Int
    public let secondRunCount: Int

    /// - Parameters: at least one result each, whose histograms can be decoded.
    public init(_ first: [RunResult], _ second: [RunResult]) {
        precondition(!first.isEmpty && !second.isEmpty)
        firstRunCount = first.count
        secondRunCount = second.count
        rows = Self.latencyRows(first, second) + Self.metricRows(first, second)
    }

    // MARK: What must be equal

    /// In what the results differ that should be equal for a comparison to mean something: the
    /// scenario and its settings. A sentence each.
    public static func differences(_ first: [RunResult], _ second: [RunResult]) -> [String] {
        let all = first + second
        var differences: [String] = []
        func compare(_ name: String, _ texts: [String]) {
            let distinct = Set(texts).sorted()
            if distinct.count > 1 {
                differences.append("\(name) is \(distinct.joined(separator: " and "))")
            }
        }
        compare("the scenario", all.map(\.scenario))
        for name in Set(all.flatMap(\.settings.keys)).sorted() {
            compare(name, all.map { $0.settings[name].map(Quantity.plain) ?? "not set" })
        }
        return differences
    }

    /// What does not forbid a comparison, but has to be known for reading it.
    public static func remarks(_ first: [RunResult], _ second: [RunResult]) -> [String] {
        var remarks: [String] = []
        let machines = Set((first + second).map { "\($0.host.name) (\($0.host.processor))" })
        if machines.count > 1 {
            let names = machines.sorted().joined(separator: ", ")
            remarks.append("The runs come from different machines: \(names).")
        }
        if first.count == 1, second.count == 1 {
            remarks.append("One run each: the intervals do not know the noise between runs.")
        } else if !MannWhitney.canTell(first.count, second.count) {
            remarks.append(
                "\(first.count) and \(second.count) runs are too few for a verdict; take 4 of each."
            )
        }
        return remarks
    }
}

// MARK: Rows

extension Comparison {
    private static let ownStatistics: [LatencyStatistic] = [.mean, .p50, .p90, .p99, .p999]
    private static let phaseStatistics: [LatencyStatistic] = [.p50, .p99]

    private static func latencyRows(_ first: [RunResult], _ second: [RunResult]) -> [Row] {
        let common = Set((first + second).flatMap(\.latencies.keys)).filter { name in
            (first + second).allSatisfy { ($0.latencies[name]?.count ?? 0) > 0 }
        }
        let phases = RunResult.phaseNames.filter(common.contains)
        let own = common.subtracting(phases).sorted()
        return (own + phases).flatMap { name in
            (phases.contains(name) ? phaseStatistics : ownStatistics).map { statistic in
                let latencies = { (results: [RunResult]) in results.map { $0.latencies[name]! } }
                return row(name, statistic, latencies(first), latencies(second))
            }
        }
    }

    private static func row(
        _ name: String, _ statistic: LatencyStatistic, _ first: [RunResult.Latency],
        _ second: [RunResult.Latency]
    ) -> Row {
        let title = "\(name) \(statistic.label)"
        let figures = (
            first.map { $0.value(of: statistic) }, second.map { $0.value(of: statistic) }
        )
        guard first.count == 1, second.count == 1 else {
            return row(title, figures, isTime: true, isLessBetter: true)
        }
        // Decoded when the files were read; a result made otherwise has no ratio.
        let histograms = (try? first[0].decoded(), try? second[0].decoded())
        let ratio: RatioEstimate? =
            if case (let below?, let above?) = histograms {
                RatioEstimate(statistic, below, above)
            } else {
                nil
            }
        return Row(
            name: title, isTime: true, first: figures.0[0], second: figures.1[0], ratio: ratio,
            p: nil, verdict: verdict(ratio, isLessBetter: true))
    }

    private static func metricRows(_ first: [RunResult], _ second: [RunResult]) -> [Row] {
        let names = Set((first + second).flatMap(\.metrics.keys)).filter { name in
            (first + second).allSatisfy { $0.metrics[name] != nil }
        }
        var rows = names.sorted().map { name in
            row(
                name, (first.map { $0.metrics[name]! }, second.map { $0.metrics[name]! }),
                isTime: false, isLessBetter: isLessBetter(name))
        }
        let errorCounts = { (results: [RunResult]) in
            results.map { $0.errors.values.reduce(0) { $0 + Double($1) } }
        }
        let errors = (errorCounts(first), errorCounts(second))
        if (errors.0 + errors.1).contains(where: { $0 > 0 }) {
            rows.append(row("errors", errors, isTime: false, isLessBetter: true))
        }
        return rows
    }

    /// A metric's name says what it counts. Nil if it does not say which way is better.
    static func isLessBetter(_ metric: String) -> Bool? {
        // The yardstick has become longer or shorter; that is neither good nor bad.
        if metric.hasPrefix("floor_") { return nil }
        if metric.hasSuffix("_per_second") { return false }
        let faults: Set = ["failed", "dropped", "malformed", "lost", "duplicates", "reordered"]
        let costs = [
            "_us", "_ms", "_ns", "bytes", "_cpu", "syscalls", "allocations", "_p50", "_p99",
        ]
        return faults.contains(metric) || costs.contains { metric.contains($0) } ? true : nil
    }

    private static func row(
        _ name: String, _ figures: ([Double], [Double]), isTime: Bool, isLessBetter: Bool?
    ) -> Row {
        let (first, second) = figures
        let ratio = RatioEstimate(first, second)
        let canTell = MannWhitney.canTell(first.count, second.count)
        let p = canTell ? MannWhitney(first, second).p : nil
        let verdict: Verdict =
            switch p {
            case nil: .unknown
            case let p? where p >= MannWhitney.significance: .noDifference
            default:
                direction(isGreater: second.median! > first.median!, isLessBetter: isLessBetter)
            }
        return Row(
            name: name, isTime: isTime, first: first.median!, second: second.median!,
            ratio: ratio, p: p, verdict: verdict)
    }

    private static func verdict(_ ratio: RatioEstimate?, isLessBetter: Bool?) -> Verdict {
        guard let ratio, let interval = ratio.interval else { return .unknown }
        if interval.contains(1) { return .noDifference }
        return direction(isGreater: ratio.ratio > 1, isLessBetter: isLessBetter)
    }

    private static func direction(isGreater: Bool, isLessBetter: Bool?) -> Verdict {
        guard let isLessBetter else { return .different }
        return isGreater == isLessBetter ? .worse : .better
    }
}
