// Sparkline: a row of numbers as a row of small bars: ▁▂▅█▆▃▂▁
//
// Thread: pure functions.  Allocates: the text.

public enum Sparkline {
    private static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// One character for each value, or, if there are more than `width`, one for the largest of
    /// each group of neighbours: a peak is never lost. A value of 0 is a blank.
    /// - Parameter width: characters, at least 1.
    public static func text(_ values: [Double], width: Int) -> String {
        precondition(width > 0)
        let columns = grouped(values, width)
        let highest = columns.max() ?? 0
        return String(
            columns.map { value in
                guard value > 0, highest > 0 else { return " " }
                let step = (value / highest * Double(bars.count)).rounded(.up)
                return bars[min(bars.count, max(1, Int(step))) - 1]
            })
    }

    private static func grouped(_ values: [Double], _ width: Int) -> [Double] {
        guard values.count > width else { return values }
        return (0..<width).map { column in
            values[(column * values.count / width)..<((column + 1) * values.count / width)].max()!
        }
    }
}
