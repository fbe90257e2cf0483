// OrderScenario: from the POST of an order to its push over the hub.
//
//   POST /api/orders ─▶ database ─▶ queue ─▶ processing ─▶ queue ─▶ hub ─▶ the user's connections
//   └────────────────────────── latency, from the intended time ──────────────────────────────┘
//
// Each agent posts its share of the rate for the users of its own connections, so that order and push
// meet in one process.
//
// Thread: the coordinator's.  Allocates: the metrics.

struct OrderScenario: Scenario {
    let reading = Reading.order
    let durationDefault: Duration = .seconds(10)
    private let ratePerSecond: Double
    private let agentCount: Int

    /// How long the last pushes may take.
    private static let settleTimeout: Duration = .seconds(5)

    init(_ options: BenchOptions) throws(UsageError) {
        agentCount = options.agentCount
        switch options.rate {
        case .perSecond(let rate): ratePerSecond = rate
        case nil: ratePerSecond = 200
        case .most:
            throw UsageError(description: "--rate max is not for orders; give a number")
        }
        if let userCount = options.userCount, userCount < options.connectionCount, agentCount > 1 {
            throw UsageError(
                description: "with --users below --connections the scenario order needs "
                    + "--processes 1: a push goes to all connections of its user")
        }
        if options.token != nil {
            throw UsageError(
                description: "order needs to know its users; give --token-secret, not --token")
        }
    }

    var settings: [String: Double] { ["rate": ratePerSecond] }

    func task(of agent: Int) -> AgentTask {
        .order(ratePerSecond: ratePerSecond / Double(agentCount))
    }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        let start = try run.begin()
        try run.watch(until: start + run.durationNanoseconds)
        run.rest()
        try run.watchUntilQuiet(atMost: Self.settleTimeout)
        run.end()
        return 0
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        let tally = run.total.tally
        return [
            "orders": Double(tally.sent),
            "orders_per_second": Double(tally.sent) * 1e9 / Double(run.durationNanoseconds),
            "pushes": Double(tally.finished),
            "lost": Double(tally.lost),
            "server_cpu_us_per_order": run.serverProcessorSeconds * 1e6
                / Double(max(1, tally.sent)),
        ]
    }
}
