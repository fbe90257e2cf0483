import Testing

@testable import Measure

@Suite struct PercentileTextTests {
    /// The levels of wrk2; the values are those that hdrhistogram 0.10.8 gives these slots.
    @Test func `the table is the classic one`() {
        let histogram = Histogram()
        for value in 1...4 { histogram.record(UInt64(value) * 1_000_000) }

        #expect(
            histogram.percentileText() == """
                       Value     Percentile TotalCount 1/(1-Percentile)

                       1.000 0.000000000000          1           1.00
                       1.000 0.100000000000          1           1.11
                       1.000 0.200000000000          1           1.25
                       2.001 0.300000000000          2           1.43
                       2.001 0.400000000000          2           1.67
                       2.001 0.500000000000          2           2.00
                       3.000 0.550000000000          3           2.22
                       3.000 0.600000000000          3           2.50
                       3.000 0.650000000000          3           2.86
                       3.000 0.700000000000          3           3.33
                       3.000 0.750000000000          3           4.00
                       4.002 0.775000000000          4           4.44
                       4.002 1.000000000000          4
                #[Mean    =        2.500, StdDeviation   =        1.118]
                #[Max     =        4.002, Total count    =            4]
                #[Buckets =           32, SubBuckets     =         2048]

                """)
    }

    @Test func `an empty histogram has no line`() {
        #expect(Histogram().percentileLines.isEmpty)
    }

    @Test func `the levels rise to 1 and the counts to all`() {
        let lines = ResultFixture.histogram(5, count: 10_000).percentileLines

        #expect(lines.map(\.fraction) == lines.map(\.fraction).sorted())
        #expect(lines.last?.fraction == 1)
        #expect(lines.last?.count == 10_000)
        for line in lines { #expect(Double(line.count) / 10_000 >= line.fraction) }
    }
}
