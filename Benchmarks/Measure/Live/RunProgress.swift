// RunProgress: how a run stands, as a block for a terminal or as a line for a log.
//
//   fanout  measuring                          00:12 of 00:30  ██████████░░░░░░░░░░░░░░░
//     connections  50,000 of 50,000
//     rate         113,204/s   ▂▅▆▆▇█▇▇▆▇▇█
//     latency      p50 1.20 ms   p99 14.1 ms
//     errors       0
//
// Thread: a pure value.  Allocates: the text.

public struct RunProgress: Equatable, Sendable {
    public var scenario: String
    /// What is being done: "connecting", "measuring", "closing", ...
    public var phase: String
    /// Seconds since the phase began.
    public var elapsed: Double
    /// Seconds that the phase takes; nil if nobody knows.
    public var duration: Double?
    public var connectionCount: Int
    /// Connections that are wanted.
    public var connectionTarget: Int
    /// What finished per second, oldest first; the last entry is the interval that has just ended.
    public var rates: [Double]
    public var errorCount: Int
    /// Of the interval, in nanoseconds; nil if nothing finished.
    public var p50: UInt64?
    public var p99: UInt64?

    public init(
        scenario: String, phase: String, elapsed: Double, duration: Double? = nil,
        connectionCount: Int, connectionTarget: Int, rates: [Double] = [], errorCount: Int = 0,
        p50: UInt64? = nil, p99: UInt64? = nil
    ) {
        self.scenario = scenario
        self.phase = phase
        self.elapsed = elapsed
        self.duration = duration
        self.connectionCount = connectionCount
        self.connectionTarget = connectionTarget
        self.rates = rates
        self.errorCount = errorCount
        self.p50 = p50
        self.p99 = p99
    }
}

extension RunProgress {
    /// Narrower terminals get lines that end at their edge.
    static let usefulWidthMin = 40
    /// More would be hard to look along.
    static let widthMax = 100
    private static let labelWidth = 15

    /// One line of each thing; none is longer than `width` characters.
    /// - Parameter width: of the terminal, in characters.
    public func block(width: Int) -> [String] {
        let width = min(width, Self.widthMax)
        var lines = [head(width: width)]
        func append(_ label: String, _ text: String) {
            lines.append("  \(label.rightPadded(to: Self.labelWidth - 2))\(text)")
        }
        append("connections", connectionText)
        if let rate = rates.last {
            let text = rateText(rate).rightPadded(to: 12)
            let room = width - Self.labelWidth - text.count
            let shown = Array(rates.suffix(max(1, room)))
            append("rate", room >= 8 ? text + Sparkline.text(shown, width: room) : text)
        }
        if let p50, let p99 {
            append("latency", "p50 \(Quantity.time(p50))   p99 \(Quantity.time(p99))")
        }
        append("errors", Numeral.grouped(errorCount))
        return lines.map { String($0.prefix(max(0, width))) }
    }

    /// Everything in one line, for output that is kept.
    public var line: String {
        var parts = ["\(scenario) \(phase) \(clock)", "\(connectionText) connections"]
        if let rate = rates.last { parts.append(rateText(rate)) }
        if let p50, let p99 {
            parts.append("p50 \(Quantity.time(p50))")
            parts.append("p99 \(Quantity.time(p99))")
        }
        parts.append("\(Numeral.grouped(errorCount)) errors")
        return parts.joined(separator: "  ")
    }

    private func head(width: Int) -> String {
        let left = "\(scenario)  \(phase)"
        guard let duration, duration > 0, width >= Self.usefulWidthMin else {
            return "\(left)  \(clock)"
        }
        // The bar takes what is left, up to half of the line.
        let room = min(width / 2, width - left.count - clock.count - 4)
        guard room >= 8 else { return "\(left)  \(clock)" }
        let filled = Int((min(1, max(0, elapsed / duration)) * Double(room)).rounded(.down))
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: room - filled)
        let space = String(
            repeating: " ", count: max(2, width - left.count - clock.count - 2 - room))
        return "\(left)\(space)\(clock)  \(bar)"
    }

    private var clock: String {
        Self.clock(elapsed) + (duration.map { " of \(Self.clock($0))" } ?? "")
    }

    private var connectionText: String {
        let target = Numeral.grouped(connectionTarget)
        let isComplete = connectionCount == connectionTarget
        return isComplete ? target : "\(Numeral.grouped(connectionCount)) of \(target)"
    }

    private func rateText(_ rate: Double) -> String { "\(Quantity.plain(rate))/s" }

    /// "01:05", or "1:01:05" from an hour on.
    private static func clock(_ seconds: Double) -> String {
        let seconds = Int(min(max(0, seconds), 1e9))
        func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let text = "\(twoDigits(seconds / 60 % 60)):\(twoDigits(seconds % 60))"
        return seconds < 3600 ? text : "\(seconds / 3600):\(text)"
    }
}
