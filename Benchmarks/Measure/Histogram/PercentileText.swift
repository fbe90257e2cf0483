// PercentileText: a histogram as the classic table of percentiles, as wrk2 prints it and plotters
// of .hgrm files read it.
//
//          Value     Percentile TotalCount 1/(1-Percentile)
//
//          0.041 0.000000000000          1           1.00
//          1.203 0.100000000000       5000           1.11
//            …          …               …              …       5 lines for each halving of the
//         96.127 0.999023437500      49952        1024.00      distance to 100 %
//        103.423 1.000000000000      50000
//   #[Mean    =        2.114, StdDeviation   =        4.021]
//
// Thread: any, one at a time.  Allocates: the text.
// Source: HdrHistogram, "PercentileIterator", "outputPercentileDistribution".

extension Histogram {
    private static let linesPerHalving = 5.0

    /// - Parameter unit: nanoseconds of what values are shown in; milliseconds by default.
    public func percentileText(unit: Double = 1e6) -> String {
        let digits = layout.significantDigits
        func column(_ value: Double, _ places: Int, _ width: Int) -> String {
            Numeral.fixed(value, places).leftPadded(to: width)
        }
        var text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
        for line in percentileLines {
            text += "\(column(Double(line.value) / unit, digits, 12)) "
            text += "\(Numeral.fixed(line.fraction, 12)) \(String(line.count).leftPadded(to: 10))"
            if line.fraction < 1 { text += " \(column(1 / (1 - line.fraction), 2, 14))" }
            text += "\n"
        }
        text += "#[Mean    = \(column(mean / unit, digits, 12)), "
        text += "StdDeviation   = \(column(standardDeviation / unit, digits, 12))]\n"
        text += "#[Max     = \(column(Double(maximum) / unit, digits, 12)), "
        text += "Total count    = \(String(count).leftPadded(to: 12))]\n"
        text += "#[Buckets = \(String(layout.rowCount).leftPadded(to: 12)), "
        return text + "SubBuckets     = \(String(layout.firstRowSlotCount).leftPadded(to: 12))]\n"
    }

    struct PercentileLine: Equatable {
        /// Nanoseconds.
        var value: UInt64
        /// The level asked for, not the share that was reached.
        var fraction: Double
        /// Of all values up to this one.
        var count: Int
    }

    var percentileLines: [PercentileLine] {
        var lines: [PercentileLine] = []
        // In per cent: those steps are exact where those of a fraction are not.
        var level = 0.0
        var seen = 0
        for slot in recorded {
            seen += slot.count
            // At the last slot one line says which level it reaches first, and the next says 100 %.
            while 100 * Double(seen) / Double(count) >= level {
                lines.append(
                    PercentileLine(
                        value: slot.values.upperBound, fraction: level / 100, count: seen))
                level += Self.step(at: level)
                if seen == count { break }
            }
        }
        guard count > 0 else { return [] }
        lines.append(PercentileLine(value: maximum, fraction: 1, count: count))
        return lines
    }

    /// Half of what it was before each time the distance to 100 % has halved.
    private static func step(at level: Double) -> Double {
        var halving = 2.0
        while 100 - level <= 100 / halving { halving *= 2 }
        return 100 / (linesPerHalving * halving)
    }
}
