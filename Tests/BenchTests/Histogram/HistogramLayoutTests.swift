import Testing

@testable import Measure

@Suite struct HistogramLayoutTests {
    private static let layouts = [
        HistogramLayout(lowest: 1, highest: 3_600_000_000_000, significantDigits: 3)!,
        HistogramLayout(lowest: 1, highest: 2, significantDigits: 0)!,
        HistogramLayout(lowest: 1000, highest: 1_000_000_000, significantDigits: 2)!,
        HistogramLayout(lowest: 1, highest: UInt64(Int64.max), significantDigits: 1)!,
    ]

    /// Each power of two with its neighbours, where rows begin.
    private func corners(_ layout: HistogramLayout) -> [UInt64] {
        let corners = (0..<63).flatMap { power in
            let value = UInt64(1) << UInt64(power)
            return [value - 1, value, value + 1, value + value / 3]
        }
        return (corners + [layout.highest - 1, layout.highest]).filter { $0 <= layout.highest }
    }

    @Test(arguments: layouts) func `a value is among the values of its slot`(
        layout: HistogramLayout
    ) {
        for value in corners(layout) {
            let index = layout.index(of: value)

            #expect(index < layout.slotCount)
            #expect(layout.values(at: index).contains(value), "\(value)")
        }
    }

    @Test(arguments: layouts) func `slots follow each other without a gap`(
        layout: HistogramLayout
    ) {
        var next: UInt64 = 0
        for index in 0..<layout.slotCount {
            let values = layout.values(at: index)
            #expect(values.lowerBound == next)
            next = values.upperBound + 1
        }
        #expect(next > layout.highest)
    }

    @Test(arguments: 1...5) func `a slot is never wider than the digits allow`(digits: Int) throws {
        let layout = try #require(
            HistogramLayout(lowest: 1, highest: 1 << 40, significantDigits: digits))
        let allowed = (0..<digits).reduce(1.0) { width, _ in width / 10 }
        for value in corners(layout) {
            let values = layout.values(at: layout.index(of: value))
            let width = Double(values.upperBound - values.lowerBound)

            #expect(width <= allowed * Double(values.lowerBound))
        }
    }

    @Test func `the default takes as many slots as the reference`() {
        #expect(Self.layouts[0].slotCount == 33 * 1024)
    }

    @Test func `a range or a precision that makes no sense is refused`() {
        func layout(_ lowest: UInt64, _ highest: UInt64, _ digits: Int) -> HistogramLayout? {
            HistogramLayout(lowest: lowest, highest: highest, significantDigits: digits)
        }
        let largest = UInt64(Int64.max)

        #expect(layout(0, 100, 3) == nil)
        #expect(layout(1, 1, 3) == nil)
        #expect(layout(1, 2, 3) != nil)
        #expect(layout(10, 19, 3) == nil)
        #expect(layout(1, largest, 5) != nil)
        #expect(layout(1, largest + 1, 3) == nil)
        #expect(layout(1, 100, 6) == nil)
        #expect(layout(1, 100, -1) == nil)
        #expect(layout(1 << 51, largest, 3) != nil)
        #expect(layout(1 << 52, largest, 3) == nil)
    }
}
