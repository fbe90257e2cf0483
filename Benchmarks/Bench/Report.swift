// Report: a measurement for people and for programs.
//
// Thread: any.  Allocates: its text.

/// What one run gave.
struct Measurement {
    let elapsedNanoseconds: UInt64
    let latencies: LatencyHistogram
    /// CPU time of the server; nil if it was not asked for.
    let serverMicroseconds: Double?

    var messagesPerSecond: Double {
        Double(latencies.totalCount) * 1e9 / Double(max(1, elapsedNanoseconds))
    }

    var serverMicrosecondsPerMessage: Double? {
        serverMicroseconds.map { $0 / Double(max(1, latencies.totalCount)) }
    }

    /// Microseconds.
    func latency(_ quantile: Double) -> Double { Double(latencies.value(at: quantile)) / 1000 }
}

enum Report {
    static func text(_ measurement: Measurement) -> String {
        var text = "\(fixed(measurement.messagesPerSecond, 0)) messages/s"
        text += "   p50 \(fixed(measurement.latency(0.5), 1)) us"
        text += "   p99 \(fixed(measurement.latency(0.99), 1)) us"
        text += "   max \(fixed(Double(measurement.latencies.maximum) / 1000, 1)) us"
        if let cost = measurement.serverMicrosecondsPerMessage {
            text += "   server \(fixed(cost, 2)) us CPU/message"
        }
        return text
    }

    static func json(_ measurement: Measurement, _ options: BenchOptions) -> String {
        var members = [
            "\"scenario\":\"\(options.scenario.rawValue)\"",
            "\"connections\":\(options.connectionCount)",
            "\"bytes\":\(options.byteCount)",
            "\"seconds\":\(fixed(Double(measurement.elapsedNanoseconds) / 1e9, 3))",
            "\"messages\":\(measurement.latencies.totalCount)",
            "\"messages_per_second\":\(fixed(measurement.messagesPerSecond, 1))",
        ]
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
            members.append("\"\(name)_us\":\(fixed(measurement.latency(quantile), 1))")
        }
        members.append("\"max_us\":\(fixed(Double(measurement.latencies.maximum) / 1000, 1))")
        if let cost = measurement.serverMicrosecondsPerMessage {
            members.append("\"server_cpu_us_per_message\":\(fixed(cost, 3))")
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// Decimal with `digits` places, without Foundation.
    private static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((value * scale).rounded())
        guard digits > 0 else { return String(scaled) }
        let (whole, fraction) = scaled.magnitude.quotientAndRemainder(dividingBy: UInt64(scale))
        let text = String(fraction)
        return (scaled < 0 ? "-" : "") + "\(whole)."
            + String(repeating: "0", count: digits - text.utf8.count) + text
    }
}
