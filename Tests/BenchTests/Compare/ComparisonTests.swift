import Testing

@testable import Measure

@Suite struct ComparisonTests {
    private func runs(_ seeds: ClosedRange<Int>, median: Double) -> [RunResult] {
        seeds.map { ResultFixture.result($0, median: median) }
    }

    private func row(_ name: String, _ comparison: Comparison) throws -> Comparison.Row {
        try #require(comparison.rows.first { $0.name == name })
    }

    @Test func `several runs of a faster server are better`() throws {
        let comparison = Comparison(runs(1...5, median: 1.2e6), runs(11...15, median: 0.9e6))

        let latency = try row("fanout p50", comparison)
        #expect(latency.verdict == .better)
        #expect((try #require(latency.ratio?.ratio) - 0.75).magnitude < 0.05)
        #expect((try #require(latency.p) - 2.0 / 252).magnitude < 1e-12)
        #expect(try row("deliveries_per_second", comparison).verdict == .better)
        #expect(try row("server_cpu_us_per_delivery", comparison).verdict == .better)
        #expect(try row("connect p50", comparison).verdict == .noDifference)
        #expect(try row("errors", comparison).verdict == .noDifference)
    }

    @Test func `the other way round it is worse`() throws {
        let comparison = Comparison(runs(11...15, median: 0.9e6), runs(1...5, median: 1.2e6))

        #expect(try row("fanout p50", comparison).verdict == .worse)
        #expect(try row("deliveries_per_second", comparison).verdict == .worse)
    }

    @Test func `one run on each side is judged by its histogram`() throws {
        let comparison = Comparison(runs(1...1, median: 1.2e6), runs(2...2, median: 0.9e6))

        let latency = try row("fanout p50", comparison)
        #expect(latency.verdict == .better)
        #expect(latency.p == nil)
        #expect(latency.ratio?.interval?.contains(0.75) == true)
        // Of 2,000 values two are above p99.9: nobody knows where it is.
        #expect(try row("fanout p99.9", comparison).verdict == .unknown)
        #expect(try row("deliveries_per_second", comparison).verdict == .unknown)
    }

    @Test func `three runs of each get no verdict, and a remark says why`() throws {
        let first = runs(1...3, median: 1.2e6)
        let second = runs(11...13, median: 0.9e6)

        #expect(try row("fanout p50", Comparison(first, second)).verdict == .unknown)
        #expect(
            Comparison.remarks(first, second)
                == ["3 and 3 runs are too few for a verdict; take 4 of each."])
    }

    @Test func `what differs in scenario and settings is said`() {
        let first = ResultFixture.result()
        var second = first
        #expect(Comparison.differences([first], [second]) == [])
        second.scenario = "echo"
        second.settings["bytes"] = 64
        second.settings["rate"] = 20

        #expect(
            Comparison.differences([first], [second]) == [
                "the scenario is echo and fanout", "bytes is 200 and 64", "rate is 20 and not set",
            ])
        #expect(!Comparison.differences([first, second], [first]).isEmpty)
    }

    @Test func `figures that not all runs have are left out`() {
        let first = runs(1...4, median: 1.2e6)
        var second = runs(11...14, median: 1.2e6)
        second[2].latencies["tcp"] = nil
        second[3].metrics["deliveries_per_second"] = nil
        second[3].latencies["connect"] = .init(Histogram())

        let names = Comparison(first, second).rows.map(\.name)

        #expect(
            names == [
                "fanout mean", "fanout p50", "fanout p90", "fanout p99", "fanout p99.9",
                "server_cpu_us_per_delivery", "errors",
            ])
    }

    @Test(
        arguments: [
            ("deliveries_per_second", false), ("server_cpu_us_per_delivery", true),
            ("server_bytes_per_connection", true), ("lost", true),
            ("ratio_fanout_p99", true), ("ratio_deliveries_per_second", false), ("deliveries", nil),
            ("floor_server_cpu_us_per_delivery", nil),
        ] as [(String, Bool?)]) func `a metric's name says which way is better`(
            name: String, isLessBetter: Bool?
        )
    {
        #expect(Comparison.isLessBetter(name) == isLessBetter)
    }

    @Test func `the table has a line for each figure, within 80 columns`() {
        let comparison = Comparison(runs(1...5, median: 1.2e6), runs(11...15, median: 0.9e6))
        let lines = comparison.table.split(separator: "\n")

        #expect(lines.count == comparison.rows.count + 1)
        #expect(lines.contains { $0.hasPrefix("fanout p50") && $0.hasSuffix("0.008  better") })
    }
}
