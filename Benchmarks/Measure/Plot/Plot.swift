// Plot: results as one drawing.
//
//   fanout: 50,000 connections …            title, and a legend with a line for each result
//   ┌ latency by percentile ───────────┐    where the slow ones are
//   ┌ latency over time ───────────────┐    p50, p99 and maximum of each second
//   ┌ finished per second ─────────────┐
//
// Thread: a pure function.  Allocates: freely.

/// A plot that cannot be drawn; the text says why.
public struct PlotError: Error, CustomStringConvertible {
    public let description: String
}

public struct Plot {
    static let width = 960.0
    static let margin = 24.0
    static let legendLineHeight = 22.0
    static let percentilePanelHeight = 400.0
    static let timePanelHeight = 280.0
    static let ratePanelHeight = 220.0

    /// A result and how it is called in the legend.
    public struct Subject {
        public let label: String
        public let result: RunResult

        public init(label: String, result: RunResult) {
            self.label = label
            self.result = result
        }
    }

    private let subjects: [Subject]
    private let latencyName: String
    private let histograms: [Histogram]

    /// - Parameters:
    ///   - subjects: at least one.
    ///   - latency: the name of the latency; nil takes the scenario's own.
    /// - Returns: an SVG file.
    public static func svg(
        _ subjects: [Subject], latency: String? = nil
    ) throws(PlotError) -> String {
        try Plot(subjects, latency).draw()
    }

    private init(_ subjects: [Subject], _ latency: String?) throws(PlotError) {
        guard let name = latency ?? subjects.first?.result.mainLatencyName else {
            throw PlotError(description: "there is no latency to plot")
        }
        self.subjects = subjects
        latencyName = name
        var histograms: [Histogram] = []
        for subject in subjects {
            guard let summary = subject.result.latencies[name],
                let histogram = try? summary.decoded(), histogram.count > 0
            else {
                let known = subject.result.latencies.keys.sorted().joined(separator: ", ")
                throw PlotError(
                    description: "\(subject.label) has no latency \"\(name)\"; it has \(known)")
            }
            histograms.append(histogram)
        }
        self.histograms = histograms
    }

    private func draw() -> String {
        var panels = [(percentilePanel, Self.percentilePanelHeight)]
        // The seconds of a result are those of its scenario, whatever latency is shown above.
        if subjects.contains(where: { $0.result.seconds.count > 1 }) {
            panels.append((timePanel, Self.timePanelHeight))
            panels.append((ratePanel, Self.ratePanelHeight))
        }
        let legendTop = 74.0
        var top = legendTop + Self.legendLineHeight * Double(subjects.count) + 10
        let height = panels.reduce(top) { $0 + $1.1 } + 8
        var svg = SVG()
        svg.rectangle(0, 0, Self.width, height, fill: Palette.background)
        drawHead(into: &svg)
        drawLegend(into: &svg, top: legendTop)
        for (panel, height) in panels {
            panel.draw(into: &svg, top: top, width: Self.width, height: height)
            top += height
        }
        return svg.document(width: Self.width, height: height, title: title)
    }

    // MARK: Head

    private var title: String {
        let targets = Set(subjects.map(\.result.target.text)).sorted()
        let whom = targets.count == 1 ? " on \(targets[0])" : ", \(subjects.count) results"
        return "\(subjects[0].result.scenario)\(whom)"
    }

    private var subtitle: String {
        let result = subjects[0].result
        let settings = result.settings.keys.sorted()
            .filter { name in
                subjects.allSatisfy { $0.result.settings[name] == result.settings[name] }
            }
            .map { "\($0) \(Quantity.plain(result.settings[$0]!))" }
        return (settings + ["\(result.host.processor), \(result.host.coreCount) cores"])
            .joined(separator: " · ")
    }

    private func drawHead(into svg: inout SVG) {
        svg.text(
            Self.shortened(title, 84), at: .init(x: Self.margin, y: 34), size: 20,
            color: Palette.text, isBold: true)
        svg.text(
            Self.shortened(subtitle, 138), at: .init(x: Self.margin, y: 56), size: 13,
            color: Palette.faintText)
    }

    private func drawLegend(into svg: inout SVG, top: Double) {
        for (index, subject) in subjects.enumerated() {
            let y = top + Self.legendLineHeight * (Double(index) + 0.5)
            let color = Palette.result(index)
            svg.line(
                .init(x: Self.margin, y: y), .init(x: Self.margin + 26, y: y),
                SVG.Line(color: color, width: 3))
            svg.text(
                Self.shortened(legend(subject, histograms[index]), 124),
                at: .init(x: Self.margin + 36, y: y + 4.5), size: 13, color: Palette.text)
        }
    }

    private func legend(_ subject: Subject, _ histogram: Histogram) -> String {
        let figures = [0.5, 0.99, 0.999].map { Quantity.time(histogram.value(at: $0)) }
        var text = subject.label
        if subjects.count > 1 { text += " (\(subject.result.target.text))" }
        return text + "   p50 \(figures[0])   p99 \(figures[1])   p99.9 \(figures[2])"
            + "   max \(Quantity.time(histogram.maximum))   n \(Numeral.grouped(histogram.count))"
    }

    /// What does not fit is cut; the font is not known, so there is room to spare.
    private static func shortened(_ text: String, _ count: Int) -> String {
        text.count <= count ? text : "\(text.prefix(count - 1))…"
    }

    // MARK: Panels

    private var percentilePanel: Panel {
        let lowest = histograms.map(\.minimum).min()!
        let highest = histograms.map(\.maximum).max()!
        return Panel(
            title: "\(latencyName): latency by percentile",
            xAxis: .percentile(count: histograms.map(\.count).max()!),
            yAxis: .logarithmic(Double(max(1, lowest))...Double(max(1, highest)), text: Self.time),
            xLabel: "percentile; each step to the right leaves a tenth of the values before it",
            curves: histograms.enumerated().map { index, histogram in
                Panel.Curve(
                    points: Self.steps(histogram),
                    line: SVG.Line(color: Palette.result(index), width: 2.2))
            })
    }

    /// The value of each slot, from the share of values below it to the share up to it.
    private static func steps(_ histogram: Histogram) -> [SVG.Point] {
        let count = Double(histogram.count)
        var seen = 0.0
        var points: [SVG.Point] = []
        for slot in histogram.recorded {
            let value = Double(slot.values.upperBound)
            points.append(SVG.Point(x: seen / count, y: value))
            seen += Double(slot.count)
            // All values would be at infinity; the last one ends where it alone is left.
            points.append(SVG.Point(x: max(points.last!.x, min(seen, count - 1) / count), y: value))
        }
        return points
    }

    private var stretchLength: Int { Stretch.length(of: 1 + (lastSecond ?? 0)) }

    private var lastSecond: Int? { subjects.compactMap(\.result.seconds.last?.at).max() }

    private func stretches(_ subject: Subject) -> [Stretch] {
        Stretch.stretches(of: subject.result.seconds, length: stretchLength)
    }

    private var timePanel: Panel {
        let lines: [(KeyPath<Stretch, UInt64>, SVG.Line)] = [
            (\.maximum, SVG.Line(color: "", width: 1.2, dashes: [1.5, 3])),
            (\.p99, SVG.Line(color: "", width: 1.6, dashes: [6, 3])),
            (\.p50, SVG.Line(color: "", width: 2.2)),
        ]
        var curves: [Panel.Curve] = []
        var values: [Double] = []
        for (index, subject) in subjects.enumerated() {
            let busy = stretches(subject).filter { $0.maximum > 0 }
            for (path, line) in lines {
                var line = line
                line.color = Palette.result(index)
                let points = busy.map { SVG.Point(x: Double($0.at), y: Double($0[keyPath: path])) }
                values += points.map(\.y)
                curves.append(Panel.Curve(points: points, line: line))
            }
        }
        let range = max(1, values.min() ?? 1)...max(1, values.max() ?? 1)
        let each = stretchLength == 1 ? "each second" : "\(stretchLength) seconds each"
        return Panel(
            title: "Latency over time: p50 (line), p99 (dashes), maximum (dots) of \(each)",
            xAxis: timeAxis, yAxis: .logarithmic(range, text: Self.time), curves: curves)
    }

    private var ratePanel: Panel {
        let rates = subjects.map { subject in
            stretches(subject).map { SVG.Point(x: Double($0.at), y: $0.finishedPerSecond) }
        }
        return Panel(
            title: "Finished per second", xAxis: timeAxis,
            yAxis: .linear(to: rates.joined().map(\.y).max() ?? 1) { Self.count($0) },
            xLabel: "seconds",
            curves: rates.enumerated().map { index, points in
                Panel.Curve(
                    points: points, line: SVG.Line(color: Palette.result(index), width: 2.2))
            })
    }

    private var timeAxis: Axis {
        .linear(to: Double(lastSecond ?? 1), endsThere: true) { Quantity.plain($0) }
    }

    /// Marks are round numbers: "2 ms" and not "2.00 ms".
    private static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<999: "\(count(nanoseconds)) ns"
        case ..<999e3: "\(count(nanoseconds / 1e3)) µs"
        case ..<999e6: "\(count(nanoseconds / 1e6)) ms"
        default: "\(count(nanoseconds / 1e9)) s"
        }
    }

    private static func count(_ value: Double) -> String {
        (value - value.rounded()).magnitude < 1e-6
            ? Numeral.grouped(Int(value.rounded())) : Quantity.plain(value)
    }
}
