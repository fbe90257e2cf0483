// HistogramLayout: which bucket a value falls into, and which values a bucket stands for.
//
//   bucket row    0                     1                2               3            …
//   values        0 … 2047              2048 … 4095      4096 … 8191     8192 … 16383
//   width         1                     2                4               8
//   slots         2048                  1024             1024            1024
//   index         0 …… 2047             2048 … 3071      3072 … 4095     4096 … 5119
//
// Drawn for a lowest value of 1 and 3 significant digits. 2048 is the smallest power of two that
// gives every value below 2 * 10^3 a slot of its own; from there on each row is as wide as all
// before it, in half as many slots, so a slot is never wider than a thousandth of its values.
//
// Thread: a pure value.  Allocates: never.
// Source: HdrHistogram, "AbstractHistogram" (init, countsArrayIndex, valueFromIndex).

public struct HistogramLayout: Equatable, Sendable {
    /// The smallest value told apart from 0; at least 1.
    public let lowest: UInt64
    /// The largest value; at least twice `lowest`, at most 2^63 - 1.
    public let highest: UInt64
    /// Decimal digits that are kept of each value, 0 to 5.
    public let significantDigits: Int

    public let slotCount: Int
    /// log2 of the width of the slots of row 0.
    @usableFromInline let unitMagnitude: UInt64
    /// log2 of the number of slots of each row but row 0, which has twice as many.
    @usableFromInline let halfMagnitude: UInt64
    /// All values of row 0: with its bits set, a value of row 0 has no fewer leading zeros.
    @usableFromInline let rowMask: UInt64
    /// Leading zeros of the largest value of row 0.
    @usableFromInline let leadingZeroCount: UInt64

    /// Nil if the three do not describe a histogram.
    public init?(lowest: UInt64, highest: UInt64, significantDigits: Int) {
        guard (0...5).contains(significantDigits), lowest >= 1 else { return nil }
        guard highest <= UInt64(Int64.max), highest / 2 >= lowest else { return nil }
        var ownSlotValues: UInt64 = 2
        for _ in 0..<significantDigits { ownSlotValues *= 10 }
        let rowMagnitude = UInt64(64 - (ownSlotValues - 1).leadingZeroBitCount)
        let unit = UInt64(63 - lowest.leadingZeroBitCount)
        // Row 0 itself has to fit into a signed number, as it has to in every other implementation.
        guard rowMagnitude + unit <= 62 else { return nil }

        self.lowest = lowest
        self.highest = highest
        self.significantDigits = significantDigits
        unitMagnitude = unit
        halfMagnitude = rowMagnitude - 1
        rowMask = ((1 << rowMagnitude) - 1) << unit
        leadingZeroCount = 64 - unit - rowMagnitude
        var rowCount = 1
        var end: UInt64 = 1 << (rowMagnitude + unit)
        while end <= highest {
            end <<= 1
            rowCount += 1
        }
        slotCount = (rowCount + 1) << Int(halfMagnitude)
    }

    /// The slot of a value; below `slotCount` for each value up to `highest`.
    @inlinable public func index(of value: UInt64) -> Int {
        let row = leadingZeroCount &- UInt64((value | rowMask).leadingZeroBitCount)
        return Int(
            truncatingIfNeeded: (row &<< halfMagnitude) &+ (value &>> (row &+ unitMagnitude)))
    }

    /// Slots of row 0; every other row has half as many.
    var firstRowSlotCount: Int { 2 << Int(halfMagnitude) }

    var rowCount: Int { slotCount >> Int(halfMagnitude) - 1 }

    /// The values that a slot does not tell apart.
    public func values(at index: Int) -> ClosedRange<UInt64> {
        precondition(index >= 0 && index < slotCount)
        let halfCount = UInt64(1) << halfMagnitude
        let half = UInt64(index) >> halfMagnitude
        // The first two halves are row 0.
        let row = half < 2 ? 0 : half - 1
        let first = UInt64(index) - row * halfCount
        let shift = row + unitMagnitude
        return (first << shift)...(first << shift + (1 << shift) - 1)
    }
}
