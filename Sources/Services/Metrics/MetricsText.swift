// MetricsText: figures as the text that Prometheus scrapes.
//
//   # HELP contoso_orders_accepted_total Orders committed by the intake.
//   # TYPE contoso_orders_accepted_total counter
//   contoso_orders_accepted_total 42
//
// OpenMetrics, for scrapers that ask for it, names the family of a counter without `_total`, says
// the unit in a line of its own and marks the end.
//
// Thread: a pure value.  Allocates: the text.
// Source: Prometheus exposition format 0.0.4; OpenMetrics 1.0, "Text format".

struct MetricsText {
    enum Format: Sendable {
        case prometheus, openMetrics

        /// - Parameter accept: the header of the request; nil without one.
        init(accept: String?) {
            let wantsOpenMetrics = accept?.contains("application/openmetrics-text") ?? false
            self = wantsOpenMetrics ? .openMetrics : .prometheus
        }

        var contentType: StaticString {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    /// Whether a value only grows.
    enum Kind: String { case counter, gauge }

    /// One line of a family that has a label.
    struct Sample {
        let label: String
        let value: Value

        init(_ label: String, _ value: some BinaryInteger) {
            self.label = label
            self.value = .integer(Int(clamping: value))
        }

        init(_ label: String, _ value: Double) {
            self.label = label
            self.value = .decimal(value)
        }
    }

    enum Value {
        case integer(Int)
        case decimal(Double)
    }

    private let format: Format
    private(set) var text = ""

    /// The units a name may end in, as OpenMetrics wants them named.
    private static let units: [StaticString] = ["seconds", "bytes"]

    init(_ format: Format) {
        self.format = format
        text.reserveCapacity(16 * 1024)
    }

    // MARK: Families

    /// A family of one value.
    mutating func counter(_ name: StaticString, _ help: StaticString, _ value: some BinaryInteger) {
        begin(.counter, name, help)
        line(.counter, name, nil, .integer(Int(clamping: value)))
    }

    mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: some BinaryInteger) {
        begin(.gauge, name, help)
        line(.gauge, name, nil, .integer(Int(clamping: value)))
    }

    mutating func decimal(
        _ kind: Kind, _ name: StaticString, _ help: StaticString, _ value: Double
    ) {
        begin(kind, name, help)
        line(kind, name, nil, .decimal(value))
    }

    /// A family of one value per label; nothing without any.
    ///
    /// - Parameter name: of a counter without `_total`.
    mutating func family(
        _ kind: Kind, _ name: StaticString, _ help: StaticString, by label: StaticString,
        _ samples: [Sample]
    ) {
        if samples.isEmpty { return }
        begin(kind, name, help)
        for sample in samples { line(kind, name, (label, sample.label), sample.value) }
    }

    /// The whole text.
    consuming func end() -> [UInt8] {
        if format == .openMetrics { text += "# EOF\n" }
        return Array(text.utf8)
    }

    // MARK: Lines

    private mutating func begin(_ kind: Kind, _ name: StaticString, _ help: StaticString) {
        let family = "\(name)\(suffix(kind, ofFamily: true))"
        text += "# HELP \(family) \(help)\n# TYPE \(family) \(kind.rawValue)\n"
        guard format == .openMetrics else { return }
        for unit in Self.units where "\(name)".hasSuffix("_\(unit)") {
            text += "# UNIT \(family) \(unit)\n"
        }
    }

    private mutating func line(
        _ kind: Kind, _ name: StaticString, _ label: (name: StaticString, value: String)?,
        _ value: Value
    ) {
        text += "\(name)\(suffix(kind, ofFamily: false))"
        if let label { text += "{\(label.name)=\"\(Self.escaped(label.value))\"}" }
        switch value {
        case .integer(let number): text += " \(number)\n"
        case .decimal(let number): text += " \(number)\n"
        }
    }

    private func suffix(_ kind: Kind, ofFamily isFamily: Bool) -> StaticString {
        if kind == .gauge || isFamily && format == .openMetrics { return "" }
        return "_total"
    }

    /// A label's value between its quotation marks.
    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
