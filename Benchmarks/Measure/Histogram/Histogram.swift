// Histogram: how often each latency was seen, exact to a thousandth, in a fixed block of memory.
//
//   record(1234567) ─▶ HistogramLayout.index ─▶ counts[ … | … |+1| … ]
//                                                          │
//          value(at: 0.99), mean, encoded, add(other) ◀────┘ all else is read from the counts
//
// Smallest and largest are those of the slots, not of the values: what is written to a file and
// read again is the same histogram.
//
// Thread: one at a time.  Allocates: once, in init (270 KiB for the default layout, untouched
// pages cost nothing).  Source: HdrHistogram, "AbstractHistogram".

import Glibc

public final class Histogram {
    /// One hour, in nanoseconds.
    public static let highestDefault: UInt64 = 3_600_000_000_000
    /// 0.1 %.
    public static let significantDigitsDefault = 3

    public let layout: HistogramLayout
    @usableFromInline let counts: UnsafeMutablePointer<Int>
    /// Values recorded so far.
    public fileprivate(set) var count: Int {
        get { counts[layout.slotCount] }
        set { counts[layout.slotCount] = newValue }
    }

    public init(layout: HistogramLayout) {
        self.layout = layout
        // One more than the slots: the total, so that recording touches nothing but this block.
        counts = calloc(layout.slotCount + 1, MemoryLayout<Int>.stride)!
            .bindMemory(to: Int.self, capacity: layout.slotCount + 1)
    }

    /// From 1 ns up.
    /// - Parameter highest: nanoseconds, at least 2.
    public convenience init(
        highest: UInt64 = highestDefault, significantDigits: Int = significantDigitsDefault
    ) {
        guard
            let layout = HistogramLayout(
                lowest: 1, highest: highest, significantDigits: significantDigits)
        else { preconditionFailure("no histogram has this range and precision") }
        self.init(layout: layout)
    }

    deinit { free(counts) }

    /// Counts a value. One above the highest counts as the highest: a run is not worth less
    /// because of it, and its maximum shows it.
    @inlinable public func record(_ nanoseconds: UInt64, count: Int = 1) {
        // The index of a value up to `highest` is below `slotCount`, so it is not checked.
        counts[layout.index(of: min(nanoseconds, layout.highest))] &+= count
        counts[layout.slotCount] &+= count
    }

    /// Counts everything that `other` has counted. Another layout is translated slot by slot, at
    /// the smallest value of each.
    public func add(_ other: Histogram) {
        guard other.layout == layout else {
            for slot in other.recorded { record(slot.values.lowerBound, count: slot.count) }
            return
        }
        for index in 0...layout.slotCount { counts[index] += other.counts[index] }
    }

    public func reset() {
        counts.update(repeating: 0, count: layout.slotCount + 1)
    }
}

extension Histogram {
    /// Values that were seen, as one slot holds them.
    public struct Slot: Equatable, Sendable {
        public var values: ClosedRange<UInt64>
        /// At least 1.
        public var count: Int

        /// What stands for all of them in sums.
        public var middle: Double {
            // Halves of a width: exact in HdrHistogram's sense, which rounds the middle up.
            Double(values.lowerBound + (values.upperBound - values.lowerBound + 1) / 2)
        }
    }

    /// The slots that are not empty, by value.
    public var recorded: [Slot] {
        var slots: [Slot] = []
        for index in 0..<layout.slotCount where counts[index] != 0 {
            slots.append(Slot(values: layout.values(at: index), count: counts[index]))
        }
        return slots
    }

    /// Nanoseconds; 0 without any.
    public var minimum: UInt64 {
        let index = (0..<layout.slotCount).first { counts[$0] != 0 }
        return index.map { layout.values(at: $0).lowerBound } ?? 0
    }

    /// Nanoseconds; 0 without any.
    public var maximum: UInt64 { highestIndex.map { layout.values(at: $0).upperBound } ?? 0 }

    /// Nil without any value.
    var highestIndex: Int? { (0..<layout.slotCount).last { counts[$0] != 0 } }

    /// Nanoseconds; 0 without any.
    public var mean: Double {
        guard count > 0 else { return 0 }
        return recorded.reduce(0) { $0 + $1.middle * Double($1.count) } / Double(count)
    }

    /// Nanoseconds; 0 without any. Of the values themselves: nothing is estimated.
    public var standardDeviation: Double {
        guard count > 0 else { return 0 }
        let mean = mean
        let squares = recorded.reduce(0) {
            $0 + ($1.middle - mean) * ($1.middle - mean) * Double($1.count)
        }
        return (squares / Double(count)).squareRoot()
    }

    /// The value that at least this fraction of all stays at or below.
    /// - Parameter quantile: 0...1; 0 is the minimum.
    /// - Returns: nanoseconds, the largest of its slot; 0 without any.
    public func value(at quantile: Double) -> UInt64 {
        guard quantile > 0 else { return minimum }
        let rank = rank(of: quantile)
        var seen = 0
        for index in 0..<layout.slotCount {
            seen += counts[index]
            if seen >= rank { return layout.values(at: index).upperBound }
        }
        return maximum
    }

    /// Which value, counted from 1 in order of size, a quantile asks for.
    private func rank(of quantile: Double) -> Int {
        // One step down first: 0.9 of 10 must be the ninth, however its product is rounded.
        let fraction = min(quantile.nextDown, 1)
        return max(1, Int((fraction * Double(count)).rounded(.up)))
    }
}

extension Histogram: Equatable {
    public static func == (left: Histogram, right: Histogram) -> Bool {
        left.layout == right.layout
            && memcmp(
                left.counts, right.counts, (left.layout.slotCount + 1) * MemoryLayout<Int>.stride)
                == 0
    }
}
