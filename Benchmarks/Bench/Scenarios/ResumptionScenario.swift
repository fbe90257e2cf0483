// ResumptionScenario: what a TLS session that goes on saves.
//
//   half the time full handshakes │ half the time resumed ones      per second, CPU per handshake
//
// --connections lanes, each: TCP ─▶ TLS ─▶ close ─▶ again. No WebSocket is opened.
//
// Thread: the coordinator's.  Allocates: the metrics.

struct ResumptionScenario: Scenario {
    let reading = Reading.fullHandshake
    let durationDefault: Duration = .seconds(6)
    var opensClients: Bool { false }

    func task(of agent: Int) -> AgentTask { .handshakes }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        for period in ["full", "resumed"] {
            let start = try run.begin()
            try run.watch(until: start + run.durationNanoseconds / 2)
            run.rest()
            run.end(period)
        }
        return 0
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        var metrics: [String: Double] = [:]
        let counts = [
            "full": run.total.tally.handshakes, "resumed": run.total.tally.resumed,
        ]
        for (name, count) in counts {
            guard let period = run.periods[name] else { continue }
            metrics["handshakes_\(name)"] = Double(count)
            metrics["handshakes_\(name)_per_second"] = Double(count) / period.seconds
            metrics["server_cpu_us_per_handshake_\(name)"] =
                period.processorSeconds * 1e6 / Double(max(1, count))
        }
        return metrics
    }
}
