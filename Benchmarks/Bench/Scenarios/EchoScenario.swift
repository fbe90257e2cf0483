// EchoScenario: what a server does with messages that come back.
//
//   every client ── message ─▶ server ── the same ─▶ client ── next …            (EchoWorkload)
//
// Thread: the coordinator's.  Allocates: the metrics.

struct EchoScenario: Scenario {
    let reading = Reading.echo
    let durationDefault: Duration = .seconds(3)
    private let byteCount: Int
    private let method: String?
    private let ratePerSecond: Double?
    private let agentCount: Int

    init(_ options: BenchOptions) {
        byteCount = options.byteCount ?? 64
        method = options.echo == .hub ? options.method : nil
        agentCount = options.agentCount
        if case .perSecond(let rate) = options.rate {
            ratePerSecond = rate / Double(agentCount)
        } else {
            ratePerSecond = nil
        }
    }

    var isRaw: Bool { method == nil }

    var settings: [String: Double] {
        var settings = ["bytes": Double(byteCount)]
        if let ratePerSecond { settings["rate"] = ratePerSecond * Double(agentCount) }
        return settings
    }

    func task(of agent: Int) -> AgentTask {
        .echo(byteCount: byteCount, method: method, ratePerSecond: ratePerSecond)
    }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        let start = try run.begin()
        try run.watch(until: start + run.durationNanoseconds)
        run.rest()
        run.end()
        return 0
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        let count = Double(run.total.tally.finished)
        return [
            "messages": count,
            "messages_per_second": count / run.measuredSeconds,
            "server_cpu_us_per_message": run.serverProcessorSeconds * 1e6 / max(1, count),
        ]
    }
}
