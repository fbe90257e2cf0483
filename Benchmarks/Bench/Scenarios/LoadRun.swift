// LoadRun: one run against one target, from the first connection to the result.
//
//   read servers ─▶ open ─▶ read ─▶ scenario: begin ─▶ load ─▶ end (read) ─▶ count ─▶ RunResult
//
// Thread: the coordinator's.  Allocates: freely; nothing here is on the path of a message.

import CLinux
import Loop
import Measure

final class LoadRun {
    let options: BenchOptions
    let scenario: any Scenario
    let target: RunResult.Target
    let servers: [WatchedServer]
    let crew: Crew
    private let display: LiveDisplay

    private let startedAt: String
    private var idle: [ServerReading?] = []
    private var loaded: [ServerReading?] = []
    private var before: [ServerReading?] = []
    private var after: [ServerReading?] = []
    private var beginNanoseconds: UInt64 = 0
    private var agentsBefore: UInt64 = 0
    private var agentsNanoseconds: UInt64 = 0
    private var endNanoseconds: UInt64 = 0
    /// Parts of the measured time, where a scenario has several.
    private(set) var periods: [String: Period] = [:]
    /// The most that all servers together had in memory while they were watched.
    private(set) var peakResidentByteCount = 0
    private(set) var openSeconds = 0.0
    private(set) var openCount = 0
    private(set) var publishedCount = 0
    /// Everything the agents have said; complete once they have finished.
    private(set) var total = AgentReport.Progress()
    private var seconds: [Crew.Second] = []
    private let startedAtSeconds: Double
    private let startNanoseconds = clinux_monotonic_ns()

    struct Period {
        let seconds: Double
        /// Of all watched servers.
        let processorSeconds: Double
        /// Of all watched servers, at its end.
        let residentByteCount: Int
        let residentPeakByteCount: Int
    }

    /// Without a connection that opens or fails; a client gives up sooner.
    private static let openTimeout: Duration = .seconds(60)

    init(
        _ options: BenchOptions, _ scenario: any Scenario, _ target: RunResult.Target,
        urls: [TargetURL], servers: [WatchedServer], _ display: LiveDisplay
    ) throws(BenchError) {
        self.options = options
        self.scenario = scenario
        self.target = target
        self.servers = servers
        self.display = display
        let now = SystemTime().wallNow
        startedAt = now.description
        startedAtSeconds = Double(now.microseconds) / 1e6
        let setups = options.setups(for: scenario, urls: urls)
        crew = try Crew(setups, reading: scenario.reading)
    }

    /// - Throws: what made the run impossible; the agents are gone then.
    func perform() throws(BenchError) -> RunOutcome {
        try load()
        crew.state.withLock { state in
            total.add(state.total)
            for last in state.lasts { total.readings.record(.fanoutLast, last) }
            seconds = state.seconds
        }
        return RunOutcome(result: result(), log: log())
    }

    private func load() throws(BenchError) {
        defer { crew.finish() }
        idle = read()
        if scenario.opensClients { try open() } else { loaded = idle }
        publishedCount = try scenario.measure(self)
        try crew.end(publishedCount: publishedCount)
    }

    private func open() throws(BenchError) {
        let start = clinux_monotonic_ns()
        let slowest = options.rampPerSecond ?? 1
        let expected = options.rampPerSecond.map { Double(options.connectionCount) / $0 }
        try crew.open(silenceAtMost: Self.openTimeout + .seconds(1 / slowest)) { glance in
            display.show(glance, phase: "connecting", since: start, duration: expected)
        }
        openSeconds = Double(clinux_monotonic_ns() - start) / 1e9
        openCount = try crew.glance().openCount
        loaded = read()
        guard openCount > 0 else {
            let errors = crew.state.withLock { $0.total.errors }
            let most = errors.max { $0.value < $1.value }?.key ?? "no reason was given"
            throw BenchError(description: "no connection could be opened: \(most)")
        }
    }

    private func read() -> [ServerReading?] {
        servers.map { ServerReading(process: $0.process) }
    }

    // MARK: For scenarios

    var durationNanoseconds: UInt64 {
        UInt64((options.duration ?? scenario.durationDefault).nanoseconds)
    }

    /// The measured time begins now.
    ///
    /// - Parameter firstSequence: of the broadcasts that count.
    /// - Returns: now, on CLOCK_MONOTONIC.
    @discardableResult
    func begin(firstSequence: UInt32 = 0) throws(BenchError) -> UInt64 {
        before = read()
        agentsBefore = crew.processorNanoseconds
        beginNanoseconds = clinux_monotonic_ns()
        try crew.begin(at: beginNanoseconds, firstSequence: firstSequence)
        return beginNanoseconds
    }

    /// The agents' own load stops.
    func rest() { crew.send(.rest) }

    /// The measured time, or one period of it, is over.
    func end(_ name: String = "measured") {
        endNanoseconds = clinux_monotonic_ns()
        after = read()
        agentsNanoseconds = crew.processorNanoseconds - agentsBefore
        periods[name] = Period(
            seconds: measuredSeconds, processorSeconds: serverProcessorSeconds,
            residentByteCount: Self.sum(after, \.residentByteCount),
            residentPeakByteCount: Self.sum(after, \.residentPeakByteCount))
    }

    /// Reads the servers once more, when the measured time is over.
    func endAfterwards(_ name: String) {
        let now = read()
        periods[name] = Period(
            seconds: 0, processorSeconds: 0,
            residentByteCount: Self.sum(now, \.residentByteCount),
            residentPeakByteCount: Self.sum(now, \.residentPeakByteCount))
    }

    /// Waits until the agents finish nothing more.
    func watchUntilQuiet(atMost timeout: Duration) throws(BenchError) {
        let deadline = clinux_monotonic_ns() + UInt64(timeout.nanoseconds)
        var last = -1
        try watch { [crew] in
            // Longer than the agents' reports are apart.
            OpenLoop.sleep(until: clinux_monotonic_ns() + 1_200_000_000)
            let finished = crew.state.withLock { $0.total.tally.finished + $0.total.tally.sent }
            defer { last = finished }
            return finished == last || clinux_monotonic_ns() > deadline
        }
    }

    /// Messages that the agents have sent by themselves.
    var sentByAgents: Int { crew.state.withLock { $0.total.tally.sent } }

    /// Adds what the coordinator itself has measured.
    func record(_ reading: Reading, _ histogram: Histogram) {
        total.readings.add(reading, histogram)
    }

    /// Shows what is going on until `isOver`, which waits at most a second.
    func watch(_ isOver: () -> Bool) throws(BenchError) {
        let isMeasuring = beginNanoseconds > 0
        while !isOver() {
            peakResidentByteCount = max(
                peakResidentByteCount, read().reduce(0) { $0 + ($1?.residentByteCount ?? 0) })
            display.show(
                try crew.glance(), phase: isMeasuring ? "measuring" : "warming up",
                since: isMeasuring ? beginNanoseconds : startNanoseconds,
                duration: isMeasuring ? Double(durationNanoseconds) / 1e9 : nil)
        }
    }

    /// Shows what is going on until a moment of CLOCK_MONOTONIC.
    func watch(until end: UInt64) throws(BenchError) {
        try watch {
            let now = clinux_monotonic_ns()
            OpenLoop.sleep(until: min(end, now + 1_000_000_000))
            return clinux_monotonic_ns() >= end
        }
    }

    /// Waits until all broadcasts have reached everybody, or until that is hopeless.
    func settle(_ publishedCount: Int, atMost timeout: Duration) throws(BenchError) {
        let deadline = clinux_monotonic_ns() + UInt64(timeout.nanoseconds)
        try watch { [crew] in
            let isThere = crew.state.wait(atMost: .seconds(1)) {
                $0.completedCount >= publishedCount ? true : nil
            }
            return isThere == true || clinux_monotonic_ns() > deadline
        }
    }

    /// Of all watched servers, when their clients were open.
    var loadedByteCount: Int { Self.sum(loaded, \.residentByteCount) }

    private static func sum(
        _ readings: [ServerReading?], _ value: (ServerReading) -> Int
    ) -> Int {
        readings.reduce(0) { $0 + ($1.map(value) ?? 0) }
    }

    // MARK: The result

    var measuredSeconds: Double {
        max(1e-9, Double(endNanoseconds - beginNanoseconds) / 1e9)
    }

    /// Of all watched servers, within the measured time.
    var serverProcessorSeconds: Double {
        zip(before, after).reduce(0) { $0 + Self.processorSeconds($1.0, $1.1) }
    }

    private static func processorSeconds(
        _ before: ServerReading?, _ after: ServerReading?
    ) -> Double {
        guard let before, let after, after.processorNanoseconds >= before.processorNanoseconds
        else { return 0 }
        return Double(after.processorNanoseconds - before.processorNanoseconds) / 1e9
    }

    private func result() -> RunResult {
        var result = RunResult(
            startedAt: startedAt, host: .current, commit: Repository.commit(),
            flags: CommandLine.safeArguments, scenario: options.scenarioOrDefault.rawValue,
            target: target)
        result.settings = settings()
        result.metrics = commonMetrics().merging(scenario.metrics(self)) { $1 }
        for reading in Reading.allCases {
            if let histogram = total.readings[reading] {
                result.latencies[reading.name] = RunResult.Latency(histogram)
            }
        }
        result.seconds = seconds.map { $0.result(scenario.reading) }
        result.errors = total.errors
        result.servers = servers.indices.map(use)
        return result
    }

    private func settings() -> [String: Double] {
        var settings = [
            "connections": Double(options.connectionCount),
            "processes": Double(options.agentCount),
            "seconds": Double(durationNanoseconds) / 1e9,
            "servers": Double(options.urls.count),
        ]
        if let ramp = options.rampPerSecond { settings["ramp"] = ramp }
        return settings.merging(scenario.settings) { $1 }
    }

    private func log() -> HistogramLog {
        // Intervals count from the start of the run, the seconds from that of the measured time.
        let offset = Double(max(beginNanoseconds, startNanoseconds) - startNanoseconds) / 1e9
        var log = HistogramLog(baseTime: startedAtSeconds, startTime: startedAtSeconds)
        for second in seconds {
            for reading in Reading.allCases {
                guard let histogram = second.progress.readings[reading] else { continue }
                log.intervals.append(
                    HistogramLog.Interval(
                        tag: reading.name, start: offset + Double(second.at), length: 1,
                        histogram: histogram))
            }
        }
        return log
    }

    private func use(_ position: Int) -> RunResult.ServerUse {
        RunResult.ServerUse(
            name: servers[position].name,
            processorSeconds: Self.processorSeconds(before[position], after[position]),
            idleByteCount: idle[position]?.residentByteCount ?? 0,
            loadedByteCount: loaded[position]?.residentByteCount ?? 0)
    }

    private func commonMetrics() -> [String: Double] {
        var metrics: [String: Double] = [
            "opened": Double(total.tally.opened),
            "failed": Double(total.tally.failed),
            "dropped": Double(total.tally.dropped),
            "malformed": Double(total.tally.malformed),
            "open_seconds": openSeconds,
            "opened_per_second": Double(total.tally.opened) / max(1e-9, openSeconds),
            "measured_seconds": measuredSeconds,
            // Near the measured seconds times the agents, the load generator is what is measured.
            "agents_cpu_seconds": Double(agentsNanoseconds) / 1e9,
        ]
        let growth = zip(idle, loaded).compactMap { idle, loaded -> Int? in
            guard let idle, let loaded else { return nil }
            return loaded.residentByteCount - idle.residentByteCount
        }
        if !growth.isEmpty {
            metrics["server_bytes_per_connection"] =
                Double(growth.reduce(0, +)) / Double(max(1, openCount))
            metrics["server_cpu_seconds"] = serverProcessorSeconds
            let opening = zip(idle, loaded).reduce(0) { $0 + Self.processorSeconds($1.0, $1.1) }
            metrics["server_cpu_us_per_opening"] =
                opening * 1e6 / Double(max(1, total.tally.opened))
        }
        return metrics
    }
}
