// Report: a result as text for people, 80 columns wide.
//
//   fanout on pods at wss://127.0.0.1:7001/hubs/orders        what, against whom
//   bytes 200   connections 50,000   …                        settings
//
//                tcp     tls   negotiate  …  connect          phases: what, before it began
//   fanout  p50  p90  …        ▁▂▅█▆▃▂▁                        the scenario's latencies
//   rate ▅▆▆▇█▇    p99 ▂▂▂▃▂                                   over time
//   metrics, servers, errors
//
// Thread: any.  Allocates: the text.

import Glibc

public struct Report {
    static let width = 80
    static let indent = 2
    /// Latencies side by side; seven of them with their names fit into the width.
    static let latenciesPerBlock = 6

    private let result: RunResult
    private var lines: [String] = []

    /// - Returns: lines, each with its end.
    public static func text(_ result: RunResult) -> String {
        var report = Report(result: result)
        report.appendHead()
        report.appendLatencies(
            "Phases of a connection", RunResult.phaseNames.filter { result.latencies[$0] != nil })
        report.appendLatencies("Latency", result.ownLatencyNames)
        report.appendShapes()
        report.appendTimeLine()
        report.appendMetrics()
        report.appendServers()
        report.appendErrors()
        return report.lines.map { $0 + "\n" }.joined()
    }

    private init(result: RunResult) { self.result = result }

    private mutating func appendHead() {
        lines.append("\(result.scenario) on \(result.target.text)")
        append(
            flowing: result.settings.keys.sorted().map {
                "\($0) \(Quantity.plain(result.settings[$0]!))"
            })
        let host = result.host
        append(flowing: [
            host.name, host.kernel, host.processor, "\(host.coreCount) cores",
            Quantity.bytes(host.memoryByteCount),
        ])
        append(
            flowing: [result.startedAt] + (result.commit.map { ["commit \($0.prefix(12))"] } ?? []))
    }

    private mutating func append(title: String) {
        lines.append("")
        lines.append(title)
    }

    /// Items three blanks apart, on as many lines as they need.
    private mutating func append(flowing items: [String]) {
        var line = ""
        for item in items where !item.isEmpty {
            if !line.isEmpty, Self.indent + line.count + 3 + item.count > Self.width {
                lines.append(String(repeating: " ", count: Self.indent) + line)
                line = ""
            }
            line += line.isEmpty ? item : "   \(item)"
        }
        if !line.isEmpty { lines.append(String(repeating: " ", count: Self.indent) + line) }
    }

    private mutating func append(_ columns: TextColumns) {
        lines += columns.lines(indent: Self.indent)
    }
}

// MARK: Latencies

extension Report {
    /// A column for each latency: however many there are, no line becomes too long.
    private mutating func appendLatencies(_ title: String, _ names: [String]) {
        for start in stride(from: 0, to: names.count, by: Self.latenciesPerBlock) {
            let block = names[start..<min(start + Self.latenciesPerBlock, names.count)]
            append(title: start == 0 ? title : "\(title), more")
            var columns = TextColumns(.left, .right)
            columns.append([""] + block)
            for statistic in LatencyStatistic.allCases {
                let fields = block.map {
                    statistic.text(result.latencies[$0]!.value(of: statistic))
                }
                columns.append([statistic.label] + fields)
            }
            append(columns)
        }
    }

    /// How each of the scenario's latencies is spread, on a logarithmic axis.
    private mutating func appendShapes() {
        let shapes = result.ownLatencyNames.compactMap { name -> [String]? in
            guard let histogram = try? result.latencies[name]!.decoded(), histogram.count > 0
            else { return nil }
            return [
                name, Quantity.time(histogram.minimum),
                Sparkline.text(histogram.logarithmicShape(columnCount: 40), width: 40),
                Quantity.time(histogram.maximum),
            ]
        }
        guard !shapes.isEmpty else { return }
        append(title: "Spread (logarithmic axis)")
        var columns = TextColumns(.left, .right, .left)
        for shape in shapes { columns.append(shape) }
        append(columns)
    }

    private mutating func appendTimeLine() {
        guard result.seconds.count > 1 else { return }
        let seconds = result.seconds
        append(title: "Over \(seconds.count) seconds, and the highest of each")
        var columns = TextColumns(.left, .left, .right)
        func row(_ name: String, _ values: [Double], _ text: (Double) -> String) {
            let highest = values.max() ?? 0
            guard highest > 0 else { return }
            columns.append([name, Sparkline.text(values, width: 52), text(highest)])
        }
        row("finished", seconds.map { Double($0.finishedCount) }) { "\(Quantity.plain($0))/s" }
        row("p50", seconds.map { Double($0.p50) }) { Quantity.time($0) }
        row("p99", seconds.map { Double($0.p99) }) { Quantity.time($0) }
        row("max", seconds.map { Double($0.maximum) }) { Quantity.time($0) }
        row("errors", seconds.map { Double($0.errorCount) }) { "\(Quantity.plain($0))/s" }
        append(columns)
    }
}

// MARK: What is no latency

extension Report {
    /// A metric that was also measured of the floor has both beside it, and how many times as much
    /// it is.
    private mutating func appendMetrics() {
        guard !result.metrics.isEmpty else { return }
        append(title: "Metrics")
        let metrics = result.metrics
        let measuredOfFloor = metrics.keys.filter { metrics["floor_\($0)"] != nil }
        let beside = Set(measuredOfFloor.flatMap { ["floor_\($0)", "ratio_\($0)"] })
        var columns = TextColumns(.left, .right)
        if !measuredOfFloor.isEmpty { columns.append(["", "", "floor", "times"]) }
        for name in metrics.keys.sorted() where !beside.contains(name) {
            let values = [metrics[name], metrics["floor_\(name)"]].compactMap { $0 }
            let ratio = metrics["ratio_\(name)"].map { Numeral.fixed($0, 3) }
            columns.append([name] + values.map(Quantity.plain) + (ratio.map { [$0] } ?? []))
        }
        append(columns)
    }

    private mutating func appendServers() {
        guard !result.servers.isEmpty else { return }
        append(title: "Servers")
        var columns = TextColumns(.left, .right)
        columns.append(["", "CPU", "memory idle", "memory loaded"])
        for server in result.servers {
            columns.append([
                server.name, "\(Numeral.fixed(server.processorSeconds, 2)) s",
                Quantity.bytes(server.idleByteCount), Quantity.bytes(server.loadedByteCount),
            ])
        }
        append(columns)
    }

    private mutating func appendErrors() {
        guard !result.errors.isEmpty else { return lines += ["", "No errors"] }
        append(title: "Errors")
        var columns = TextColumns(.right, .left)
        for (name, count) in result.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            columns.append([Numeral.grouped(count), name])
        }
        append(columns)
    }
}

extension RunResult.Target {
    /// "one server at wss://…", "3 servers, the first at …", "the floor at …", or just the address.
    var text: String {
        let urls = url.split(separator: " ")
        return switch kind {
        case .pods where urls.count > 1: "\(urls.count) servers, the first at \(urls[0])"
        case .pods: "one server at \(url)"
        case .floor: "the floor at \(url)"
        case .other: url
        }
    }
}

extension Histogram {
    /// The counts of equal steps on a logarithmic axis from the smallest to the largest value.
    func logarithmicShape(columnCount: Int) -> [Double] {
        let slots = recorded
        guard let first = slots.first, let last = slots.last else { return [] }
        let start = log(max(1, first.middle))
        let span = max(1e-9, log(max(1, last.middle)) - start)
        var columns = [Double](repeating: 0, count: columnCount)
        for slot in slots {
            let place = (log(max(1, slot.middle)) - start) / span * Double(columnCount)
            columns[min(columnCount - 1, max(0, Int(place)))] += Double(slot.count)
        }
        return columns
    }
}
