import Testing

@testable import Measure

@Suite struct ReportTests {
    @Test func `every figure of a result is in its report`() {
        let report = Report.text(ResultFixture.result())

        for text in [
            "fanout on one server at wss://127.0.0.1:7001/hub", "connections 5,000",
            "commit 75f638b01234",
            "Phases of a connection", "p99.99", "Metrics", "deliveries_per_second", "113,204",
            "pod-1", "12.35 s", "14.0 MiB", "91.0 MiB", "2  connection refused", "Over 5 seconds",
        ] {
            #expect(report.contains(text), "\(text)")
        }
    }

    @Test func `no line is wider than 80 columns, however many latencies there are`() {
        var result = ResultFixture.result()
        for name in ["tls", "negotiate", "upgrade", "handshake", "order", "echo", "resume"] {
            result.latencies[name] = result.latencies["fanout"]
        }
        for index in 0..<20 { result.settings["a_setting_\(index)"] = 12_345 }

        for line in Report.text(result).split(separator: "\n") { #expect(line.count <= 80) }
    }

    @Test func `the columns of a table stand below each other`() {
        let lines = Report.text(ResultFixture.result()).split(separator: "\n")
        let head = lines.firstIndex { $0.hasSuffix("connect") }!
        let ends = lines[head...(head + 10)].map(\.count)
        #expect(Set(ends).count == 1)
    }

    @Test func `the floor stands beside what was measured of both`() {
        var result = ResultFixture.result()
        result.metrics = [
            "cost": 12, "floor_cost": 10, "ratio_cost": 1.2, "ratio_fanout_p50": 1.1, "lost": 0,
        ]
        let report = Report.text(result)

        #expect(
            report.contains(
                """
                Metrics
                                          floor  times
                  cost                12     10  1.200
                  lost                 0
                  ratio_fanout_p50  1.10

                """))
    }

    @Test func `an empty result has a report`() {
        var result = ResultFixture.result()
        result.latencies = ["fanout": .init(Histogram())]
        result.metrics = [:]
        result.errors = [:]
        result.seconds = []
        result.servers = []
        #expect(Report.text(result).hasSuffix("\nNo errors\n"))
    }
}
