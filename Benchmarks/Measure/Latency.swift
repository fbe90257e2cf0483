// Latency: a histogram's summary in a result, and back.
//
// Thread: any, one at a time.  Allocates: the text of the histogram.

extension RunResult.Latency {
    /// Of nanoseconds.
    public init(_ histogram: Histogram) {
        self.init(
            count: histogram.count, minimum: histogram.minimum, mean: histogram.mean,
            p50: histogram.value(at: 0.5), p75: histogram.value(at: 0.75),
            p90: histogram.value(at: 0.9), p99: histogram.value(at: 0.99),
            p999: histogram.value(at: 0.999), p9999: histogram.value(at: 0.9999),
            maximum: histogram.maximum, histogram: histogram.base64)
    }

    /// All that the summary was made from.
    public func decoded() throws(HistogramViolation) -> Histogram {
        try Histogram(base64: histogram)
    }
}

extension RunResult {
    /// The names of what a connection goes through before the scenario begins, in their order;
    /// `connect` is all of it.
    public static let phaseNames = ["tcp", "tls", "negotiate", "upgrade", "handshake", "connect"]

    /// What is no phase, by name.
    public var ownLatencyNames: [String] {
        latencies.keys.filter { !Self.phaseNames.contains($0) }.sorted()
    }

    /// The latency the run was made for: the first of these that it has, else what comes first in
    /// the alphabet, else that of connecting. Nil if there is none.
    public var mainLatencyName: String? {
        let main = ["fanout", "echo", "order", "tls_resumed"].first { latencies[$0] != nil }
        return main ?? ownLatencyNames.first ?? Self.phaseNames.last { latencies[$0] != nil }
    }
}

extension RunResult.Second {
    /// - Parameters:
    ///   - at: whole seconds since the start of the measured time.
    ///   - histogram: of what finished in this second.
    public init(at: Int, errorCount: Int, _ histogram: Histogram) {
        self.init(
            at: at, finishedCount: histogram.count, errorCount: errorCount,
            p50: histogram.value(at: 0.5), p99: histogram.value(at: 0.99),
            maximum: histogram.maximum)
    }
}

/// What is said about a latency.
public enum LatencyStatistic: String, CaseIterable, Sendable {
    case count, min, mean, p50, p75, p90, p99, p999, p9999, max

    /// As people write it: "p99.9".
    public var label: String {
        switch self {
        case .p999: "p99.9"
        case .p9999: "p99.99"
        default: rawValue
        }
    }

    /// Nil for what is no quantile.
    var quantile: Double? {
        switch self {
        case .count, .min, .mean, .max: nil
        case .p50: 0.5
        case .p75: 0.75
        case .p90: 0.9
        case .p99: 0.99
        case .p999: 0.999
        case .p9999: 0.9999
        }
    }

    func text(_ value: Double) -> String {
        self == .count ? Quantity.plain(value) : Quantity.time(value)
    }
}

extension RunResult.Latency {
    /// Nanoseconds, except for the count.
    public func value(of statistic: LatencyStatistic) -> Double {
        switch statistic {
        case .count: Double(count)
        case .min: Double(minimum)
        case .mean: mean
        case .p50: Double(p50)
        case .p75: Double(p75)
        case .p90: Double(p90)
        case .p99: Double(p99)
        case .p999: Double(p999)
        case .p9999: Double(p9999)
        case .max: Double(maximum)
        }
    }
}
