import Testing

@testable import Measure

@Suite struct ThresholdTests {
    private func message(_ text: String) -> String? {
        #expect(throws: ThresholdViolation.self) { try Threshold.parse(list: text) }?.description
    }

    @Test(arguments: [
        (
            "fanout.p99<25ms", Threshold.Figure.latency("fanout", .p99), Threshold.Comparison.below,
            25e6
        ),
        (" fanout.p9999 <= 1.5 s ", .latency("fanout", .p9999), .atMost, 1.5e9),
        ("tcp.min>=3us", .latency("tcp", .min), .atLeast, 3000),
        ("tcp.mean>3µs", .latency("tcp", .mean), .above, 3000),
        ("tcp.max<7ns", .latency("tcp", .max), .below, 7),
        ("order.count>=10000", .latency("order", .count), .atLeast, 10_000),
        (
            "metrics.server_cpu_us_per_delivery<=12", .metric("server_cpu_us_per_delivery"),
            .atMost, 12
        ),
        ("metrics.a.b<1e3", .metric("a.b"), .below, 1000),
        ("errors==0", .errors(nil), .equal, 0),
        ("errors.connection refused<3", .errors("connection refused"), .below, 3),
    ])
    func `a threshold is read`(
        text: String, figure: Threshold.Figure, comparison: Threshold.Comparison, limit: Double
    ) throws {
        let threshold = try Threshold.parse(text)

        #expect(threshold.figure == figure)
        #expect(threshold.comparison == comparison)
        #expect(threshold.limit == limit)
    }

    @Test func `several are read from one text`() throws {
        let thresholds = try Threshold.parse(list: "a.p50<1ms, errors==0")
        #expect(thresholds.map(\.text) == ["a.p50<1ms", "errors==0"])
    }

    @Test func `an error says what there is`() {
        #expect(
            message("fanout.p95<25ms")
                == "threshold \"fanout.p95<25ms\": no statistic \"p95\"; there are "
                + "count min mean p50 p75 p90 p99 p999 p9999 max")
        #expect(
            message("a.p50!=1ms")
                == "threshold \"a.p50!=1ms\": no comparison \"!=\"; there are < <= > >= ==")
        #expect(message("a.p50")?.contains("there are < <= > >= ==") == true)
        #expect(message("a.p50<1h")?.contains("no unit \"h\"; there are ns us ms s") == true)
        #expect(message("a.p50<1")?.contains("a time needs a unit") == true)
    }

    @Test(arguments: [
        "", ",", "a.p50<1ms,", "<1ms", "p50<1ms", ".p50<1ms", "a.<1ms", "metrics.<1", "a.p50<",
        "a.p50<ms",
        "a.p50<1.2.3ms", "a.p50<infms", "a.p50<nan", "a.count<1ms", "metrics.x<3ms", "errors<1s",
        "errors.==1", "a.p50<<1ms", "a.p50<1ms<2ms", "a.p50=1ms",
    ])
    func `what makes no sense is refused`(text: String) {
        #expect(message(text) != nil)
    }

    @Test func `only broken thresholds are reported, with their value`() throws {
        var result = ResultFixture.result()
        result.latencies["fanout"]!.p99 = 25_000_000
        result.metrics["cost"] = 12
        let thresholds = try Threshold.parse(
            list: "fanout.p99<25ms,fanout.p99<=25ms,fanout.p99>25ms,fanout.p99>=25ms,"
                + "fanout.p99==25ms,metrics.cost<12,errors==0,errors.other==0,fanout.count==2000")

        let breaches = try Threshold.breaches(of: thresholds, in: result)

        #expect(
            breaches.map(\.description) == [
                "fanout.p99<25ms is broken: 25.0 ms", "fanout.p99>25ms is broken: 25.0 ms",
                "metrics.cost<12 is broken: 12", "errors==0 is broken: 2",
            ])
    }

    @Test(arguments: [
        ("order.p99<1s", "it has connect, fanout, tcp"),
        ("metrics.x<1", "it has deliveries_per_second, server_cpu_us_per_delivery"),
    ])
    func `a figure that the run does not have is an error, not a pass`(
        text: String, hint: String
    ) throws {
        let threshold = try Threshold.parse(text)
        let error = #expect(throws: ThresholdViolation.self) {
            try Threshold.breaches(of: [threshold], in: ResultFixture.result())
        }
        #expect(error?.description.contains(hint) == true)
    }

    @Test func `a latency of which nothing was measured keeps no limit`() throws {
        var result = ResultFixture.result()
        result.latencies["fanout"] = .init(Histogram())
        let thresholds = try Threshold.parse(list: "fanout.p99<1s")

        #expect(throws: ThresholdViolation.self) {
            try Threshold.breaches(of: thresholds, in: result)
        }
        #expect(
            try Threshold.breaches(of: Threshold.parse(list: "fanout.count>0"), in: result).count
                == 1)
    }
}
