// SlowReadersScenario: some clients do not read; the others must not notice.
//
//   publisher ─▶ server ─┬▶ readers        latency as ever
//                        └▶ slow readers   queue grows ─▶ the server cuts them
//
// A message is large here, so that a slow reader's socket and the server's queue for it are full
// within seconds. Compare with the same run at `--slow 0%`.
//
// Thread: the coordinator's.  Allocates: the metrics.

struct SlowReadersScenario: Scenario {
    let reading = Reading.fanout
    // A server that gives a stalled writer ten seconds has cut it by then.
    let durationDefault: Duration = .seconds(25)
    private let fanOut: FanOutScenario
    private let connectionCount: Int
    private let slowShare: Double

    init(_ options: BenchOptions) throws(UsageError) {
        var options = options
        options.byteCount = options.byteCount ?? 4096
        // 100 KB per second and connection.
        options.rate = options.rate ?? .perSecond(25)
        fanOut = try FanOutScenario(options, slowShare: options.slowShare)
        connectionCount = options.connectionCount
        slowShare = options.slowShare
    }

    var settings: [String: Double] {
        fanOut.settings.merging(["slow_share": slowShare]) { $1 }
    }

    func task(of agent: Int) -> AgentTask { fanOut.task(of: agent) }

    func measure(_ run: LoadRun) throws(BenchError) -> Int { try fanOut.measure(run) }

    func metrics(_ run: LoadRun) -> [String: Double] {
        let own = [
            "slow": (Double(connectionCount) * slowShare).rounded(.down),
            "cut": Double(run.total.tally.cut),
        ]
        return fanOut.metrics(run).merging(own) { $1 }
    }
}
