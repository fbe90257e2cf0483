// Threshold: a figure that a run has to keep to.
//
//   fanout.p99<25ms                            latency . statistic  comparison  time
//   fanout.count>=10000                        latency . count      comparison  number
//   metrics.server_cpu_us_per_delivery<=12     metrics . name       comparison  number
//   errors==0   errors.refused<3               all errors, or one kind of them
//
// Thread: a pure value.  Allocates: texts of errors.

public struct Threshold: Equatable, Sendable {
    public enum Figure: Equatable, Sendable {
        /// Nanoseconds, except for the count.
        case latency(String, LatencyStatistic)
        case metric(String)
        /// Nil is all of them.
        case errors(String?)
    }

    public enum Comparison: String, CaseIterable, Sendable {
        case below = "<", atMost = "<=", above = ">", atLeast = ">=", equal = "=="

        func holds(_ value: Double, _ limit: Double) -> Bool {
            switch self {
            case .below: value < limit
            case .atMost: value <= limit
            case .above: value > limit
            case .atLeast: value >= limit
            case .equal: value == limit
            }
        }
    }

    /// As it was written.
    public let text: String
    public let figure: Figure
    public let comparison: Comparison
    /// In nanoseconds if the figure is a time.
    public let limit: Double
}

/// A threshold that makes no sense; the text says what there is.
public struct ThresholdViolation: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

// MARK: Checking

extension Threshold {
    /// A threshold that a result does not keep to.
    public struct Breach: Equatable, Sendable, CustomStringConvertible {
        public let threshold: Threshold
        /// In the figure's own unit.
        public let value: Double

        /// "fanout.p99<25ms is broken: 31.2 ms".
        public var description: String {
            let shown =
                if case .latency(_, let statistic) = threshold.figure {
                    statistic.text(value)
                } else {
                    Quantity.plain(value)
                }
            return "\(threshold.text) is broken: \(shown)"
        }
    }

    /// The thresholds that `result` breaks, in the given order.
    /// - Throws: if the result has no figure of that name: a threshold that checks nothing must not
    ///   pass.
    public static func breaches(
        of thresholds: [Threshold], in result: RunResult
    ) throws(ThresholdViolation) -> [Breach] {
        var breaches: [Breach] = []
        for threshold in thresholds {
            let value = try threshold.value(in: result)
            if !threshold.comparison.holds(value, threshold.limit) {
                breaches.append(Breach(threshold: threshold, value: value))
            }
        }
        return breaches
    }

    private func value(in result: RunResult) throws(ThresholdViolation) -> Double {
        switch figure {
        case .latency(let name, let statistic):
            guard let latency = result.latencies[name] else {
                throw missing("latency", name, result.latencies.keys)
            }
            // Statistics of nothing would be 0 and keep every limit.
            guard latency.count > 0 || statistic == .count else {
                throw ThresholdViolation(
                    description: "\(text): nothing was measured of \(name)")
            }
            return latency.value(of: statistic)
        case .metric(let name):
            guard let value = result.metrics[name] else {
                throw missing("metric", name, result.metrics.keys)
            }
            return value
        case .errors(nil): return result.errors.values.reduce(0) { $0 + Double($1) }
        case .errors(let kind?): return Double(result.errors[kind] ?? 0)
        }
    }

    private func missing(
        _ kind: String, _ name: String, _ names: some Collection<String>
    ) -> ThresholdViolation {
        let known = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
        return ThresholdViolation(
            description: "\(text): this run has no \(kind) \"\(name)\"; it has \(known)")
    }
}
