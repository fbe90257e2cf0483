// Axis: where a value stands between the two ends of a drawing, and which values are written there.
//
//   linear       0     2     4     6     8
//   logarithmic  1 ms    2    5   10 ms   20
//   percentile   0 %   50   90   99   99.9   99.99       each nine takes as much room as the last
//
// Thread: a pure value.  Allocates: its marks.

import Glibc

struct Axis {
    struct Mark: Equatable {
        /// 0...1 along the axis.
        var place: Double
        var text: String
    }

    enum Scale { case linear, logarithmic, percentile }

    private let scale: Scale
    private let low: Double
    private let high: Double
    private(set) var marks: [Mark] = []

    /// More would stand too close in the smallest of our panels.
    private static let markCountMax = 8

    /// From 0 to a round number at or above `highest`.
    ///
    /// - Parameter endsThere: at `highest` itself; else at the mark behind it.
    static func linear(
        to highest: Double, endsThere: Bool = false, text: (Double) -> String
    ) -> Axis {
        let step = roundStep(max(highest, 1e-9) / 5)
        let last = (max(highest, step) / step).rounded(.up) * step
        var axis = Axis(scale: .linear, low: 0, high: endsThere ? max(highest, step) : last)
        axis.mark(stride(from: 0, through: axis.high * 1.0001, by: step), text)
        return axis
    }

    /// Between values 1, 2 and 5 times a power of ten around `values`.
    static func logarithmic(_ values: ClosedRange<Double>, text: (Double) -> String) -> Axis {
        let lowest = max(values.lowerBound, 1e-9)
        let highest = max(values.upperBound, lowest)
        var low = roundStep(lowest)
        if low > lowest { low = previousStep(low) }
        let high = roundStep(highest > low ? highest : low * 1.01)
        var axis = Axis(scale: .logarithmic, low: low, high: high)
        var steps: [Double] = []
        var step = low
        while step <= high * 1.0001 {
            steps.append(step)
            step = roundStep(step * 1.01)
        }
        // With too many, powers of ten alone.
        let powers = steps.filter { (log10($0) - log10($0).rounded()).magnitude < 1e-6 }
        axis.mark(steps.count > markCountMax && powers.count > 1 ? powers : steps, text)
        return axis
    }

    /// From 0 % to the percentile that leaves one value out of `count`.
    static func percentile(count: Int) -> Axis {
        var axis = Axis(scale: .percentile, low: 0, high: 1 - 1 / Double(max(10, count)))
        let named: [(Double, String)] = [
            (0, "0 %"), (0.5, "50 %"), (0.75, "75 %"), (0.9, "90 %"), (0.99, "99 %"),
            (0.999, "99.9 %"), (0.9999, "99.99 %"), (0.99999, "99.999 %"),
            (0.999999, "99.9999 %"),
        ]
        for (fraction, text) in named where fraction <= axis.high {
            axis.marks.append(Mark(place: axis.place(of: fraction), text: text))
        }
        return axis
    }

    private init(scale: Scale, low: Double, high: Double) {
        self.scale = scale
        self.low = low
        self.high = high
    }

    /// 0...1; what lies outside of the axis is put at its end.
    func place(of value: Double) -> Double {
        let place =
            switch scale {
            case .linear: (value - low) / (high - low)
            case .logarithmic: log(max(value, low) / low) / log(high / low)
            case .percentile: log(1 - min(value, high)) / log(1 - high)
            }
        return min(1, max(0, place))
    }

    private mutating func mark(_ values: some Sequence<Double>, _ text: (Double) -> String) {
        marks = values.map { Mark(place: place(of: $0), text: text($0)) }
    }

    /// The smallest of 1, 2, 5, 10, 20, 50, ... that is at least `value`.
    static func roundStep(_ value: Double) -> Double {
        let power = pow(10, log10(value).rounded(.down))
        for factor in [1.0, 2, 5, 10] where factor * power >= value * 0.9999 {
            return factor * power
        }
        return 10 * power
    }

    private static func previousStep(_ step: Double) -> Double {
        let power = pow(10, log10(step * 1.0001).rounded(.down))
        return switch (step / power).rounded() {
        case 5: 2 * power
        case 2: power
        default: power / 2
        }
    }
}
