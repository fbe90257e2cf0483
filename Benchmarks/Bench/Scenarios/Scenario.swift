// Scenario: one kind of run, seen from the coordinator.
//
//   task ─▶ agents: what their clients do        measure ─▶ the load, from warm-up to the last receipt
//
// The agents' half of a scenario is a Workload.
//
// Thread: the coordinator's.  Allocates: freely.

import Measure

protocol Scenario: Sendable {
    /// The latency this scenario is about.
    var reading: Reading { get }
    /// Of the measured time, when nobody says otherwise.
    var durationDefault: Duration { get }
    /// A WebSocket without SignalR on top.
    var isRaw: Bool { get }
    /// False: the agents' load opens what it needs.
    var opensClients: Bool { get }

    /// Clients that agent `number` opens before the load.
    func clientCount(of number: Int, _ options: BenchOptions) -> Int

    /// What the result has to say about how it was made, beyond connections and time.
    var settings: [String: Double] { get }

    func task(of agent: Int) -> AgentTask

    /// Produces the load and measures: calls `run.begin` and `run.end` around what counts.
    ///
    /// - Returns: how many broadcasts were sent in all, warm-up included.
    func measure(_ run: LoadRun) throws(BenchError) -> Int

    /// What only this scenario's result has.
    func metrics(_ run: LoadRun) -> [String: Double]
}

extension Scenario {
    var isRaw: Bool { false }
    var opensClients: Bool { true }
    var settings: [String: Double] { [:] }

    /// Evenly.
    func clientCount(of number: Int, _ options: BenchOptions) -> Int {
        let (each, rest) = options.connectionCount.quotientAndRemainder(
            dividingBy: options.agentCount)
        return each + (number < rest ? 1 : 0)
    }

    func metrics(_ run: LoadRun) -> [String: Double] { [:] }
}

extension BenchOptions {
    /// What runs when nobody names a scenario.
    var scenarioOrDefault: ScenarioName {
        if let scenario { return scenario }
        if urls.isEmpty { return .backplane }
        return publish == nil ? .idleHold : .fanOut
    }

    func makeScenario() throws(UsageError) -> any Scenario {
        switch scenarioOrDefault {
        case .idleHold: IdleHoldScenario()
        case .echo: EchoScenario(self)
        case .fanOut, .backplane: try FanOutScenario(self)
        case .connectStorm: ConnectStormScenario()
        case .storm: StormScenario(self)
        case .order: try OrderScenario(self)
        case .slowReaders: try SlowReadersScenario(self)
        case .tlsResumption: ResumptionScenario()
        }
    }
}
