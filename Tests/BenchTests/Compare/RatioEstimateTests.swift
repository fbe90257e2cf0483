import Testing

@testable import Measure

@Suite struct RatioEstimateTests {
    @Test func `the ratio of several runs is the median of all pairs`() throws {
        // 20/10 20/11 30/10 30/11 sorted: 1.818 2 2.727 3
        let estimate = try #require(RatioEstimate([10, 11], [20, 30]))
        #expect((estimate.ratio - (2 + 30.0 / 11) / 2).magnitude < 1e-12)
        #expect(estimate.interval == nil)
    }

    @Test func `the interval has the bounds of the U test`() throws {
        // For 5 and 5 the smallest U that 5 % allow is 2 (tables of Mann and Whitney): U = 0, 1, 2
        // are too far off, so the third ratio from each end is the first to be believed.
        let first = [1.0, 1.01, 1.02, 1.03, 1.04]
        let second = [2.0, 2.01, 2.03, 2.07, 2.11]
        let ratios = first.flatMap { below in second.map { $0 / below } }.sorted()

        let estimate = try #require(RatioEstimate(first, second))

        #expect(estimate.ratio == ratios[12])
        #expect(estimate.interval == ratios[2]...ratios[22])
    }

    @Test func `the interval holds 1 where the U test finds no difference`() throws {
        for shift in stride(from: 0.9, through: 1.1, by: 0.005) {
            let first = [10.0, 10.3, 10.7, 11.2, 11.9, 12.5]
            let second = first.map { $0 * shift + 0.01 }
            let interval = try #require(RatioEstimate(first, second)?.interval)
            #expect(interval.contains(1) == (MannWhitney(first, second).p >= 0.05), "\(shift)")
        }
    }

    @Test func `many runs have an interval too`() throws {
        let first = (0..<60).map { 100 + Double($0 % 13) }
        let estimate = try #require(RatioEstimate(first, first.map { $0 * 1.2 }))
        #expect((estimate.ratio - 1.2).magnitude < 0.001)
        #expect(estimate.interval!.contains(1.2))
        #expect(!estimate.interval!.contains(1.1))
    }

    @Test func `there is no ratio to nothing`() {
        #expect(RatioEstimate([0, 1], [1, 1]) == nil)
        #expect(RatioEstimate([1], [0]) == nil)
        #expect(RatioEstimate([], [1]) == nil)
        #expect(RatioEstimate([.infinity], [1]) == nil)
        #expect(RatioEstimate(.p50, Histogram(), ResultFixture.histogram(1)) == nil)
    }

    @Test(arguments: [LatencyStatistic.mean, .p50, .p90])
    func `two samples of the same hold 1 in their interval nearly always`(
        statistic: LatencyStatistic
    ) {
        let missCount = (0..<200).count { seed in
            let first = ResultFixture.histogram(seed * 2 + 1, count: 500)
            let second = ResultFixture.histogram(seed * 2 + 2, count: 500)
            return RatioEstimate(statistic, first, second)?.interval?.contains(1) != true
        }
        // 5 % of 200 are 10; 25 would come by chance once in 30,000.
        #expect(missCount <= 25)
    }

    @Test func `a difference of a tenth is found in ten thousand values`() throws {
        let first = ResultFixture.histogram(1, count: 10_000)
        let second = ResultFixture.histogram(2, count: 10_000, median: 1.32e6)

        let interval = try #require(RatioEstimate(.p50, first, second)?.interval)

        #expect(interval.contains(1.1))
        #expect(!interval.contains(1))
    }

    @Test func `a quantile with too few values beyond it has no interval`() {
        let histogram = ResultFixture.histogram(1, count: 1000)
        #expect(histogram.bounds(at: 0.9) != nil)
        #expect(histogram.bounds(at: 0.999) == nil)
        #expect(ResultFixture.histogram(1, count: 29).meanBounds == nil)
    }
}
