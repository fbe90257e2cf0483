// ConnectStormScenario: everybody comes at once.
//
//   --opening at a time, as fast as they get in ─▶ connections per second, phases, CPU per connection
//
// Thread: the coordinator's.  Allocates: never.

struct ConnectStormScenario: Scenario {
    let reading = Reading.connect
    let durationDefault: Duration = .seconds(1)

    func task(of agent: Int) -> AgentTask { .hold }

    /// The opening itself is the load, and is measured in every run.
    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        try run.begin()
        run.end()
        return 0
    }
}
