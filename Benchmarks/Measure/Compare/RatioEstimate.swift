// RatioEstimate: how many times as large the second is as the first, and within which bounds.
//
//   several runs   the median of all ratios b / a (Hodges and Lehmann), between the ratios that the
//                  U test would just not call different from 1
//   one run each   the ratio of the two quantiles; the bounds come from the ranks between which
//                  the quantile of the whole would be found, put together on a logarithmic axis
//
// The second knows only the noise inside a run, as if its values were independent of each other.
//
// Thread: a pure value.  Allocates: all pairs.
// Source: Hodges and Lehmann (1963); Zou and Donner, "Construction of confidence limits about
// effect measures" (2008).

import Glibc

public struct RatioEstimate: Equatable, Sendable {
    public let ratio: Double
    /// With 95 % confidence; nil if there is too little for it.
    public let interval: ClosedRange<Double>?

    /// Standard deviations that hold 95 % of a normal distribution.
    static let deviations = 1.959964
    /// Below, a mean's noise says little about its true one.
    static let meanValueCountMin = 30

    init(ratio: Double, interval: ClosedRange<Double>?) {
        self.ratio = ratio
        self.interval = interval
    }

    /// Nil if a figure is not above 0.
    public init?(_ first: [Double], _ second: [Double]) {
        guard !first.isEmpty, !second.isEmpty else { return nil }
        guard (first + second).allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
        let ratios = first.flatMap { below in second.map { $0 / below } }.sorted()
        ratio = ratios.median!
        guard MannWhitney.canTell(first.count, second.count) else {
            interval = nil
            return
        }
        let left = Self.pairsBelowInterval(first.count, second.count)
        interval = ratios[left]...ratios[ratios.count - 1 - left]
    }

    /// How many of the sorted ratios lie below the interval, and as many above it.
    private static func pairsBelowInterval(_ firstCount: Int, _ secondCount: Int) -> Int {
        let pairs = firstCount * secondCount
        let count = firstCount + secondCount
        guard count <= MannWhitney.exactRunCountMax else {
            let deviation = (Double(pairs) * Double(count + 1) / 12).squareRoot()
            return max(0, Int(Double(pairs) / 2 - deviations * deviation))
        }
        let ways = MannWhitney.sumCounts(Array(1...count), choosing: secondCount)
        let all = ways.reduce(0, +)
        // The smallest sum of ranks is that of U = 0.
        let sumMin = secondCount * (secondCount + 1) / 2
        var below = 0.0
        var u = 0
        while u < pairs {
            below += ways[sumMin + u]
            if below / all > MannWhitney.significance / 2 { break }
            u += 1
        }
        return max(0, u - 1)
    }
}

// MARK: One run each

extension RatioEstimate {
    /// Of a statistic of two histograms; nil if one of them is empty or its value 0.
    init?(_ statistic: LatencyStatistic, _ first: Histogram, _ second: Histogram) {
        guard let below = Estimate(statistic, first), let above = Estimate(statistic, second)
        else { return nil }
        ratio = above.value / below.value
        guard let belowBounds = below.bounds, let aboveBounds = above.bounds else {
            interval = nil
            return
        }
        // Each side's distance to its bound, on the logarithmic axis, as if it were a deviation.
        func distance(_ one: Double, _ other: Double) -> Double { log(one / other) }
        let left = hypot(
            distance(above.value, aboveBounds.lowerBound),
            distance(belowBounds.upperBound, below.value))
        let right = hypot(
            distance(aboveBounds.upperBound, above.value),
            distance(below.value, belowBounds.lowerBound))
        interval = (ratio * exp(-left))...(ratio * exp(right))
    }

    /// A figure above 0 of one histogram.
    private struct Estimate {
        let value: Double
        let bounds: ClosedRange<Double>?

        init?(_ statistic: LatencyStatistic, _ histogram: Histogram) {
            guard histogram.count > 0 else { return nil }
            if let quantile = statistic.quantile {
                value = Double(histogram.value(at: quantile))
                bounds = histogram.bounds(at: quantile)
            } else {
                value = histogram.mean
                bounds = histogram.meanBounds
            }
            guard value > 0 else { return nil }
        }
    }
}

extension Histogram {
    /// Between which values the quantile lies with 95 % confidence, if the values are a sample; nil
    /// if there are too few of them beyond it.
    func bounds(at quantile: Double) -> ClosedRange<Double>? {
        let count = Double(count)
        let place = quantile * count
        let spread =
            RatioEstimate.deviations * (count * quantile * (1 - quantile)).squareRoot()
        let low = (place - spread).rounded(.down)
        let high = (place + spread).rounded(.up) + 1
        guard low >= 1, high <= count else { return nil }
        // A slot does not tell its values apart: both of its ends are possible.
        let lowSlot = layout.values(at: layout.index(of: value(at: low / count)))
        let lowest = max(1, lowSlot.lowerBound)
        return Double(lowest)...Double(max(lowest, value(at: high / count)))
    }

    var meanBounds: ClosedRange<Double>? {
        guard count >= RatioEstimate.meanValueCountMin else { return nil }
        let error = RatioEstimate.deviations * standardDeviation / Double(count).squareRoot()
        guard mean - error > 0 else { return nil }
        return (mean - error)...(mean + error)
    }
}

extension [Double] {
    /// Nil if there are none.
    var median: Double? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
