// Crew: all agents of a run, and the sum of what they say.
//
//   agent 0 ─┐                       ┌▶ wait until all are open, until all have ended
//   agent 1 ─┼▶ Progress, added up ──┼▶ seconds of the measured time
//   agent n ─┘                       └▶ broadcasts that have reached everybody
//
// Thread: the coordinator's; reports come in on one thread per agent, behind one lock.
// Allocates: per report.

import CLinux
import Loop
import Measure

final class Crew {
    /// What one second of the measured time brought.
    struct Second: Sendable {
        let at: Int
        var progress = AgentReport.Progress()
    }

    /// What a live line shows.
    struct Glance: Sendable {
        var openCount = 0
        var failedCount = 0
        var errorCount = 0
        /// The last whole second of the measured time; nil before.
        var second: RunResult.Second?
    }

    /// Only looked at with the lock held, until the agents have finished.
    struct State: Sendable {
        fileprivate(set) var openedCount = 0
        /// Agents that know of the measured time; what others report is still of the warm-up.
        fileprivate(set) var begun: Set<Int> = []
        fileprivate(set) var endedCount = 0
        fileprivate(set) var failure: String?
        /// Since the start of the run.
        fileprivate(set) var total = AgentReport.Progress()
        /// Of all agents, as each said last.
        fileprivate(set) var openCounts: [Int]
        fileprivate(set) var seconds: [Second] = []
        /// On CLOCK_MONOTONIC, once the measured time has begun.
        fileprivate(set) var start: UInt64?
        /// Agents that have finished each broadcast, and the slowest of them.
        fileprivate(set) var arrivals: [UInt32: (agentCount: Int, lastNanoseconds: UInt64)] = [:]
        /// Broadcasts that have reached everybody.
        fileprivate(set) var completedCount = 0
        /// From the intended time to the last recipient of each, of the measured time.
        fileprivate(set) var lasts: [UInt64] = []
        fileprivate(set) var measuredFrom: UInt32 = 0

        var openCount: Int { openCounts.reduce(0, +) }
    }

    let state: Monitor<State>
    /// The scenario's own latency.
    private let reading: Reading
    private var agents: [AgentProcess] = []
    private let agentCount: Int

    init(_ setups: [AgentSetup], reading: Reading) throws(BenchError) {
        self.reading = reading
        agentCount = setups.count
        let state = Monitor(State(openCounts: [Int](repeating: 0, count: setups.count)))
        self.state = state
        for setup in setups {
            let (number, agentCount) = (setup.number, setups.count)
            agents.append(
                try AgentProcess(setup) { report in
                    state.update { $0.receive(report, from: number, of: agentCount) }
                })
        }
    }

    /// CPU time of all agents, in nanoseconds.
    var processorNanoseconds: UInt64 {
        agents.reduce(0) {
            $0 + (ServerReading(process: $1.identifier)?.processorNanoseconds ?? 0)
        }
    }

    func send(_ command: AgentCommand) { for agent in agents { agent.send(command) } }

    /// The agents' connections are cut; nothing is reported after this.
    func finish() {
        for agent in agents { agent.finish() }
        agents = []
    }

    // MARK: The steps of a run

    /// Opens all connections; calls `progress` about once a second. Returns when each is open or has
    /// failed.
    ///
    /// - Parameter timeout: without a connection that opens or fails.
    func open(silenceAtMost timeout: Duration, _ progress: (Glance) -> Void) throws(BenchError) {
        send(.open)
        try wait(for: "the connections", silenceAtMost: timeout, progress) { [agentCount] in
            $0.openedCount == agentCount
        }
    }

    /// Begins the measured time at `start` of CLOCK_MONOTONIC; returns when all agents know, so that
    /// no message of the measured time can overtake its beginning.
    ///
    /// - Parameter firstSequence: of the broadcasts of the measured time.
    func begin(at start: UInt64, firstSequence: UInt32) throws(BenchError) {
        state.update {
            $0.start = start
            $0.measuredFrom = firstSequence
            $0.begun = []
        }
        send(.begin(atNanoseconds: start))
        try wait(for: "the agents", silenceAtMost: .seconds(30), { _ in }) { [agentCount] in
            $0.begun.count == agentCount
        }
    }

    func end(publishedCount: Int) throws(BenchError) {
        send(.end(publishedCount: publishedCount))
        try wait(for: "the last reports", silenceAtMost: .seconds(30), { _ in }) { [agentCount] in
            $0.endedCount == agentCount
        }
    }

    /// - Throws: if an agent has failed.
    func glance() throws(BenchError) -> Glance {
        let (failure, glance) = state.withLock { state in
            (
                state.failure,
                Glance(
                    openCount: state.openCount, failedCount: state.total.tally.failed,
                    errorCount: state.total.errors.values.reduce(0, +),
                    second: state.seconds.dropLast().last?.result(reading))
            )
        }
        if let failure { throw BenchError(description: failure) }
        return glance
    }

    /// Waits until `isDone`, calling `progress` about once a second meanwhile.
    private func wait(
        for what: String, silenceAtMost timeout: Duration, _ progress: (Glance) -> Void,
        until isDone: (State) -> Bool
    ) throws(BenchError) {
        var deadline = clinux_monotonic_ns() + UInt64(timeout.nanoseconds)
        var settledCount = 0
        while true {
            let isOver = state.wait(atMost: .seconds(1)) {
                $0.failure != nil || isDone($0) ? true : nil
            }
            progress(try glance())
            if isOver == true { return }
            let now = clinux_monotonic_ns()
            let settled = state.withLock { $0.total.tally.opened + $0.total.tally.failed }
            if settled != settledCount {
                settledCount = settled
                deadline = now + UInt64(timeout.nanoseconds)
            } else if now > deadline {
                throw BenchError(description: "gave up waiting for \(what) after \(timeout)")
            }
        }
    }
}

extension Crew.Second {
    func result(_ reading: Reading) -> RunResult.Second {
        RunResult.Second(
            at: at, errorCount: progress.errors.values.reduce(0, +),
            progress.readings[reading] ?? Histogram())
    }
}

extension Crew.State {
    fileprivate mutating func receive(
        _ report: AgentReport?, from number: Int, of agentCount: Int
    ) {
        switch report {
        case .opened: openedCount += 1
        case .begun: begun.insert(number)
        case .ended: endedCount += 1
        case .failed(let reason): failure = "agent \(number): \(reason)"
        case .progress(let progress): receive(progress, from: number)
        case .completed(let completions):
            for completion in completions { receive(completion, of: agentCount) }
        case nil:
            if endedCount < agentCount, failure == nil {
                failure = "agent \(number) ended in the middle of the run"
            }
        }
    }

    private mutating func receive(_ progress: AgentReport.Progress, from number: Int) {
        total.add(progress)
        openCounts[number] = progress.tally.openCount
        guard let start, begun.contains(number) else { return }
        let now = clinux_monotonic_ns()
        let at = now > start ? Int((now - start) / 1_000_000_000) : 0
        // The agents do not report at the same moment: the second that ends now is meant.
        let second = max(0, at - 1)
        if seconds.last?.at != second { seconds.append(Crew.Second(at: second)) }
        seconds[seconds.count - 1].progress.add(progress)
    }

    private mutating func receive(_ completion: AgentReport.Completion, of agentCount: Int) {
        var arrival = arrivals[completion.sequence] ?? (agentCount: 0, lastNanoseconds: 0)
        arrival.agentCount += 1
        arrival.lastNanoseconds = max(arrival.lastNanoseconds, completion.lastNanoseconds)
        guard arrival.agentCount == agentCount else {
            arrivals[completion.sequence] = arrival
            return
        }
        arrivals[completion.sequence] = nil
        completedCount += 1
        if start != nil, completion.sequence >= measuredFrom {
            lasts.append(arrival.lastNanoseconds)
        }
    }
}
