// StormScenario: everybody else comes at once, and those who are there must not notice.
//
//   agent 0     1,000 clients ── call, due by the clock ─▶ server ── answer ─▶     (EchoWorkload)
//   agent 1, 2  10,000 times TLS and one request, as fast as they get in           (StormWorkload)
//
//   clients open │ storm: until all newcomers are in │ they go │ memory has returned?
//
// Thread: the coordinator's.  Allocates: the metrics.

import CLinux
import Loop

struct StormScenario: Scenario {
    /// Of the newcomers, where nobody says otherwise.
    static let processCount = 2

    let reading = Reading.echo
    // Of the storm, which ends sooner.
    let durationDefault: Duration = .seconds(120)
    private let newcomerCount: Int
    private let newcomerProcessCount: Int
    private let ratePerSecond: Double

    /// What a server may take to let go of ten thousand connections.
    private static let calm: Duration = .seconds(5)

    init(_ options: BenchOptions) {
        newcomerCount = options.newcomerCount
        newcomerProcessCount = options.agentCount - 1
        if case .perSecond(let rate) = options.rate {
            ratePerSecond = rate
        } else {
            ratePerSecond = 1000
        }
    }

    var settings: [String: Double] {
        ["newcomers": Double(newcomerCount), "rate": ratePerSecond]
    }

    func clientCount(of number: Int, _ options: BenchOptions) -> Int {
        number == 0 ? options.connectionCount : 0
    }

    func task(of agent: Int) -> AgentTask {
        if agent == 0 { return .echo(byteCount: 0, method: "Ping", ratePerSecond: ratePerSecond) }
        let (each, rest) = newcomerCount.quotientAndRemainder(dividingBy: newcomerProcessCount)
        return .storm(count: each + (agent - 1 < rest ? 1 : 0))
    }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        let deadline = try run.begin() + run.durationNanoseconds
        try run.watch { [crew = run.crew, newcomerCount] in
            let isOver = crew.state.wait(atMost: .seconds(1)) { state in
                let tally = state.total.tally
                return tally.handshakes + tally.failed >= newcomerCount ? true : nil
            }
            return isOver == true || clinux_monotonic_ns() > deadline
        }
        run.end("storm")
        run.rest()
        try run.watch(until: clinux_monotonic_ns() + UInt64(Self.calm.nanoseconds))
        run.endAfterwards("calm")
        return 0
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        var metrics = [
            "newcomers_in": Double(run.total.tally.handshakes),
            "newcomers_per_second": Double(run.total.tally.handshakes) / run.measuredSeconds,
            "messages": Double(run.total.tally.finished),
        ]
        guard let storm = run.periods["storm"], let calm = run.periods["calm"] else {
            return metrics
        }
        metrics["server_bytes_before"] = Double(run.loadedByteCount)
        metrics["server_bytes_peak"] = Double(storm.residentPeakByteCount)
        metrics["server_bytes_after"] = Double(calm.residentByteCount)
        return metrics
    }
}
