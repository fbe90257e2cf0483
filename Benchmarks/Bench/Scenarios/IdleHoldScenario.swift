// IdleHoldScenario: what connections cost that do nothing but stay.
//
//   open ─▶ hold for --duration: pings answered, drops counted ─▶ bytes and µs/s per connection
//
// Thread: the coordinator's.  Allocates: the metrics.

struct IdleHoldScenario: Scenario {
    let reading = Reading.connect
    // Two pings of a hub with the usual 15 s.
    let durationDefault: Duration = .seconds(35)

    func task(of agent: Int) -> AgentTask { .hold }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        let start = try run.begin()
        try run.watch(until: start + run.durationNanoseconds)
        run.end()
        return 0
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        let microseconds = run.serverProcessorSeconds * 1e6
        let connectionSeconds = Double(max(1, run.openCount)) * run.measuredSeconds
        return [
            "server_idle_cpu_us_per_connection_second": microseconds / connectionSeconds,
            "pings": Double(run.total.tally.pings),
        ]
    }
}
