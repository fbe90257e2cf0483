import Testing

@testable import Measure

@Suite struct LatencyTests {
    @Test func `a summary says what its histogram says, and gives it back`() throws {
        let histogram = ResultFixture.histogram(3)
        let latency = RunResult.Latency(histogram)

        #expect(try latency.decoded() == histogram)
        #expect(latency.count == 2000)
        #expect(latency.value(of: .mean) == histogram.mean)
        for statistic in LatencyStatistic.allCases {
            guard let quantile = statistic.quantile else { continue }
            #expect(latency.value(of: statistic) == Double(histogram.value(at: quantile)))
        }
        #expect(latency.value(of: .min) == Double(histogram.minimum))
        #expect(latency.value(of: .max) == Double(histogram.maximum))
    }

    @Test func `the main latency is the one the scenario is about, or what there is`() {
        var result = ResultFixture.result()
        #expect(result.mainLatencyName == "fanout")
        result.latencies["order"] = result.latencies.removeValue(forKey: "fanout")
        #expect(result.mainLatencyName == "order")
        result.latencies["another"] = result.latencies.removeValue(forKey: "order")
        result.latencies["lateness"] = result.latencies["another"]
        #expect(result.mainLatencyName == "another")
        result.latencies["another"] = nil
        result.latencies["lateness"] = nil
        #expect(result.mainLatencyName == "connect")
        result.latencies = [:]
        #expect(result.mainLatencyName == nil)
    }

    @Test func `a second in which nothing finished is all zeros`() {
        #expect(
            RunResult.Second(at: 4, errorCount: 1, Histogram())
                == RunResult.Second(
                    at: 4, finishedCount: 0, errorCount: 1, p50: 0, p99: 0, maximum: 0))
    }
}
