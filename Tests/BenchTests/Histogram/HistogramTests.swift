import Testing

@testable import Measure

@Suite struct HistogramTests {
    /// Latencies as they are: most near 1 ms, a few very far away; the same in each run.
    private static let values: [UInt64] = {
        var state: UInt64 = 42
        return (0..<20_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let uniform = Double(state >> 11) / Double(1 << 53)
            return UInt64(1e6 * (0.5 + uniform) / (1.0001 - uniform))
        }
    }()

    private func histogram(_ values: some Sequence<UInt64>) -> Histogram {
        let histogram = Histogram()
        for value in values { histogram.record(value) }
        return histogram
    }

    @Test(arguments: [0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1])
    func `a quantile is within a thousandth of the sorted value`(quantile: Double) {
        let histogram = histogram(Self.values)
        let sorted = Self.values.sorted()

        let exact = sorted[Int((quantile * Double(sorted.count)).rounded(.up)) - 1]
        let value = histogram.value(at: quantile)

        #expect(value >= exact)
        #expect(Double(value) <= Double(exact) * 1.001)
    }

    @Test func `mean and deviation are within a thousandth of the exact ones`() {
        let histogram = histogram(Self.values)

        let count = Double(Self.values.count)
        let mean = Self.values.reduce(0) { $0 + Double($1) } / count
        let squares = Self.values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        let deviation = (squares / count).squareRoot()

        #expect((histogram.mean / mean - 1).magnitude < 0.001)
        #expect((histogram.standardDeviation / deviation - 1).magnitude < 0.001)
    }

    @Test func `the n-th of ten is found at n tenths`() {
        let histogram = histogram(1...10)

        let values = (1...10).map { histogram.value(at: Double($0) / 10) }

        #expect(values == Array(1...10))
        #expect(histogram.value(at: 0) == 1)
        #expect(histogram.value(at: 0.901) == 10)
        #expect(histogram.value(at: 7) == 10)
    }

    @Test func `an empty histogram answers 0`() {
        let histogram = Histogram()

        #expect(histogram.count == 0)
        #expect(histogram.minimum == 0)
        #expect(histogram.maximum == 0)
        #expect(histogram.mean == 0)
        #expect(histogram.standardDeviation == 0)
        #expect(histogram.value(at: 0.5) == 0)
        #expect(histogram.recorded.isEmpty)
    }

    @Test func `a value above the highest counts as the highest`() {
        let histogram = Histogram(highest: 1000)

        for value: UInt64 in [999, 1000, 1001, .max] { histogram.record(value) }

        #expect(histogram.recorded.map(\.values) == [999...999, 1000...1000])
        #expect(histogram.recorded.map(\.count) == [1, 3])
    }

    @Test func `adding is recording both`() {
        let half = Self.values.count / 2
        let sum = histogram(Self.values[..<half])

        sum.add(histogram(Self.values[half...]))

        #expect(sum == histogram(Self.values))
    }

    @Test func `a histogram of another layout is added by value`() {
        let sum = Histogram(highest: 10_000, significantDigits: 2)
        sum.record(77)

        sum.add(histogram([77, 5000, 5000, 20_000]))

        #expect(sum.count == 5)
        #expect(sum.recorded.map(\.count) == [2, 2, 1])
        #expect(sum.value(at: 0.6) == sum.layout.values(at: sum.layout.index(of: 5000)).upperBound)
    }

    @Test func `many of one value count as often as they are`() {
        let histogram = Histogram()

        histogram.record(5, count: 1_000_000)
        histogram.record(7)

        #expect(histogram.count == 1_000_001)
        #expect(histogram.value(at: 0.999999) == 5)
        #expect(histogram.value(at: 1) == 7)
    }

    @Test func `a histogram that was reset is as new`() {
        let histogram = histogram(Self.values)

        histogram.reset()

        #expect(histogram == Histogram())
    }
}
