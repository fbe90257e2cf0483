// SVG: a drawing as text, one element after the other.
//
// Thread: a value.  Allocates: its text.  Source: SVG 1.1 (Second Edition).

struct SVG {
    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    enum Anchor: String { case start, middle, end }

    struct Line {
        var color: String
        /// Pixels.
        var width = 1.0
        /// Lengths of strokes and gaps, in pixels; none for a whole line.
        var dashes: [Double] = []
        /// 0...1.
        var opacity = 1.0
    }

    private(set) var elements: [String] = []

    mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String,
        stroke: String = "none"
    ) {
        elements.append(
            "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" "
                + "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" "
                + "fill=\"\(fill)\" stroke=\"\(stroke)\"/>")
    }

    mutating func line(_ from: Point, _ to: Point, _ line: Line) { polyline([from, to], line) }

    /// Nothing for fewer than two points.
    mutating func polyline(_ points: [Point], _ line: Line) {
        guard points.count > 1 else { return }
        let path = points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }
        var attributes = "fill=\"none\" stroke=\"\(line.color)\" "
        attributes += "stroke-width=\"\(Self.number(line.width))\" stroke-linejoin=\"round\""
        if !line.dashes.isEmpty {
            let dashes = line.dashes.map(Self.number).joined(separator: " ")
            attributes += " stroke-dasharray=\"\(dashes)\""
        }
        if line.opacity < 1 { attributes += " opacity=\"\(Self.number(line.opacity))\"" }
        elements.append("<polyline points=\"\(path.joined(separator: " "))\" \(attributes)/>")
    }

    mutating func text(
        _ text: String, at point: Point, size: Double, color: String, anchor: Anchor = .start,
        isBold: Bool = false
    ) {
        elements.append(
            "<text x=\"\(Self.number(point.x))\" y=\"\(Self.number(point.y))\" "
                + "font-size=\"\(Self.number(size))\" fill=\"\(color)\" "
                + "text-anchor=\"\(anchor.rawValue)\""
                + (isBold ? " font-weight=\"600\"" : "") + ">\(Self.escaped(text))</text>")
    }

    /// The whole file. Nothing is loaded from elsewhere: the font is one that the reader has.
    func document(width: Double, height: Double, title: String) -> String {
        let size = "\(Self.number(width)) \(Self.number(height))"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" \
            width="\(Self.number(width))" height="\(Self.number(height))" \
            font-family="system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif" role="img">
            <title>\(Self.escaped(title))</title>
            \(elements.joined(separator: "\n"))
            </svg>

            """
    }

    /// A hundredth of a pixel is finer than anybody sees.
    private static func number(_ value: Double) -> String {
        let text = Numeral.fixed(value, 2)
        guard text.contains(".") else { return text }
        let digits = text.reversed().drop { $0 == "0" }
        return String((digits.first == "." ? digits.dropFirst() : digits).reversed())
    }

    /// Also without what XML 1.0 cannot hold, however it is written.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n": result += " "
            case "\u{20}"..."\u{FFFD}" where scalar != "\u{FFFE}":
                result.unicodeScalars.append(scalar)
            case "\u{10000}"...: result.unicodeScalars.append(scalar)
            default: result += "\u{FFFD}"
            }
        }
        return result
    }
}
