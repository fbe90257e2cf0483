// ServerMetrics: what a server of ours says of itself, at one moment.
//
//   GET /metrics ─▶ name{label="value"} number ─▶ sums over the servers that were asked
//
// Thread: the coordinator's.  Allocates: the answer.  Source: Prometheus text format.

struct ServerMetrics {
    private var samples: [String: Double] = [:]

    /// Servers that do not answer add nothing.
    init(of servers: [WatchedServer]) {
        for port in servers.compactMap(\.metricsPort) {
            add(
                String(
                    decoding: BlockingRequest.answer("127.0.0.1", port, "/metrics"), as: UTF8.self))
        }
    }

    /// - Parameter text: may have lines that are no samples.
    init(parsing text: String) { add(text) }

    private mutating func add(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "),
                let value = Double(line[line.index(after: space)...])
            else { continue }
            samples[String(line[..<space]), default: 0] += value
        }
    }

    /// By name and labels as they are written; 0 if nobody has it.
    subscript(name: String) -> Double { samples[name] ?? 0 }

    /// The values of a family by the value of its one label.
    func values(of family: String) -> [String: Double] {
        var values: [String: Double] = [:]
        for (name, value) in samples where name.hasPrefix(family + "{") {
            let parts = name.split(separator: "\"")
            if parts.count > 1 { values[String(parts[1]), default: 0] += value }
        }
        return values
    }
}
