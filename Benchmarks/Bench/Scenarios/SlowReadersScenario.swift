// SlowReadersScenario: some clients do not read; the others must not notice.
//
//   publisher ─▶ server ─┬▶ readers        latency as ever
//                        └▶ slow readers   queue grows ─▶ the server ends them, and says why
//
// The same load without slow readers runs first, on the same servers, and the others' latency is put in
// relation to it. A message is large here, so that a slow reader's socket and the server's queue for it
// are full within seconds.
//
// Thread: the coordinator's.  Allocates: the metrics.

import CLinux
import Loop

struct SlowReadersScenario: Scenario {
    let reading = Reading.fanout
    // A server that gives a stalled writer ten seconds has cut it by then.
    let durationDefault: Duration = .seconds(25)
    private let fanOut: FanOutScenario
    private let slowCount: Int
    private let slowShare: Double

    /// How long slow readers that are left may take to end when the load is over.
    private static let endTimeout: Duration = .seconds(20)
    private static let endedFamily = "contoso_hub_connections_ended_total"
    /// Connections that the servers ended during the load, by reason.
    private let ended = Monitor<[String: Double]>([:])

    init(_ options: BenchOptions) throws(UsageError) {
        var options = options
        options.byteCount = options.byteCount ?? 4096
        // 100 KB per second and connection.
        options.rate = options.rate ?? .perSecond(25)
        fanOut = try FanOutScenario(options, slowShare: options.slowShare)
        slowCount = Int((Double(options.connectionCount) * options.slowShare).rounded(.down))
        slowShare = options.slowShare
    }

    var settings: [String: Double] {
        fanOut.settings.merging(["slow_share": slowShare]) { $1 }
    }

    func task(of agent: Int) -> AgentTask { fanOut.task(of: agent) }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        let before = ServerMetrics(of: run.servers).values(of: Self.endedFamily)
        let published = try fanOut.measure(run)
        let deadline = clinux_monotonic_ns() + UInt64(Self.endTimeout.nanoseconds)
        try run.watch {
            OpenLoop.sleep(until: clinux_monotonic_ns() + 500_000_000)
            let cutCount = run.crew.state.withLock { $0.total.tally.cut }
            return cutCount >= slowCount || clinux_monotonic_ns() > deadline
        }
        let after = ServerMetrics(of: run.servers).values(of: Self.endedFamily)
        ended.update { $0 = after.merging(before) { $0 - $1 } }
        return published
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        var own = [
            "slow": Double(slowCount),
            "cut": Double(run.total.tally.cut),
            "server_rss_max_bytes": Double(run.peakResidentByteCount),
        ]
        for (reason, count) in ended.withLock({ $0 }) where count > 0 {
            own["ended_\(reason)"] = count
        }
        return fanOut.metrics(run).merging(own) { $1 }
    }
}
