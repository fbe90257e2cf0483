// MicroTable: the results as lines for people.
//
//   case                        min ns  median ns       MB/s  allocations
//   ws.frame.read.200             12.3       12.9    16260.2          0.0
//   order.sqlite.file        1203123.4  1240312.9                    82.2  by the wall clock
//
// Thread: pure functions.  Allocates: the lines.

struct MicroTable {
    private let nameWidth: Int

    init(_ names: [String]) { nameWidth = names.map(\.count).max() ?? 0 }

    var head: String {
        row("case", "min ns", "median ns", "MB/s", "allocations")
    }

    func line(_ result: MicroResult) -> String {
        row(
            result.name, Self.oneDecimal(result.nanosecondsMin),
            Self.oneDecimal(result.nanosecondsMedian),
            result.megabytesPerSecond.map { Self.oneDecimal($0) } ?? "",
            result.allocationsPerOperation.map { Self.oneDecimal($0) } ?? "?")
            + (result.clock == .wall ? "  by the wall clock" : "")
    }

    private func row(_ name: String, _ columns: String...) -> String {
        let padding = String(repeating: " ", count: max(0, nameWidth - name.count))
        return zip(columns, [10, 10, 10, 12]).reduce(name + padding) { line, column in
            let (text, width) = column
            return line + " " + String(repeating: " ", count: max(0, width - text.count)) + text
        }
    }

    /// - Parameter number: not negative, less than 10^15.
    static func oneDecimal(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
