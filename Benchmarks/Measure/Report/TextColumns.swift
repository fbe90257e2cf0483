// TextColumns: lines whose fields stand below each other.
//
//   fields:  ["", "p50", "p99"], ["fanout", "1.20 ms", "14.1 ms"]
//   lines:            p50      p99
//            fanout  1.20 ms  14.1 ms
//
// Thread: a pure value.  Allocates: the text.

struct TextColumns {
    enum Side { case left, right }

    /// Blanks between two columns.
    static let gap = 2

    private var rows: [[String]] = []
    private let sides: [Side]

    /// - Parameter sides: where each column's text stands; further columns are as the last one.
    init(_ sides: Side...) {
        precondition(!sides.isEmpty)
        self.sides = sides
    }

    mutating func append(_ fields: [String]) { rows.append(fields) }

    /// Without line ends, nor blanks behind the last field.
    func lines(indent: Int = 0) -> [String] {
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = String(repeating: " ", count: indent)
            for (column, field) in row.enumerated() {
                if column > 0 { line += String(repeating: " ", count: Self.gap) }
                switch sides[min(column, sides.count - 1)] {
                case .left: line += field.rightPadded(to: widths[column])
                case .right: line += field.leftPadded(to: widths[column])
                }
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

extension String {
    /// Blanks in front, up to `width` characters; not shortened.
    func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// Blanks behind, up to `width` characters; not shortened.
    func rightPadded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
