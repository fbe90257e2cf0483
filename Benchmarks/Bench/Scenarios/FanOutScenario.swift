// FanOutScenario: one message to everybody.
//
//   publisher ── due by the clock ─▶ Redis ─▶ server(s) ─▶ every client      (ReceiveWorkload)
//
//   warm-up │ measured time │ the last messages arrive │ what is missing is lost
//
// With one server it is the cost of a delivery; with several the backplane between them.
//
// Thread: the coordinator's; the publisher has one of its own.  Allocates: per broadcast.

import CLinux
import Loop

struct FanOutScenario: Scenario {
    let reading = Reading.fanout
    let durationDefault: Duration
    private let record: BroadcastRecord
    private let publish: PublishWay
    private let channel: String
    private let rate: Rate
    private let window: Int
    private let warmUp: Duration
    private let slowShare: Double

    /// How long the last messages may take to arrive before they count as lost.
    private static let settleTimeout: Duration = .seconds(10)

    /// - Parameter slowShare: of the clients; these do not read.
    init(_ options: BenchOptions, slowShare: Double = 0) throws(UsageError) {
        self.slowShare = slowShare
        record = BroadcastRecord(byteCount: options.byteCount ?? 200, target: options.target)
        guard let publish = options.publish else {
            throw UsageError(
                description: "\(options.scenarioOrDefault.rawValue) needs --publish, "
                    + "such as redis://HOST:PORT; without --url bench brings its own")
        }
        self.publish = publish
        channel = options.channel
        rate = options.rate ?? .perSecond(Self.rateDefault(options.connectionCount))
        if rate == .most, case .invoke = publish {
            throw UsageError(description: "--rate max needs --publish redis://HOST:PORT")
        }
        window = options.window
        warmUp = options.warmUp
        durationDefault = options.scenarioOrDefault == .backplane ? .seconds(60) : .seconds(10)
    }

    /// Some 20,000 deliveries per second, which two cores with their load generator can do.
    static func rateDefault(_ connectionCount: Int) -> Double {
        min(20, max(0.2, 20_000 / Double(connectionCount)))
    }

    var settings: [String: Double] {
        var settings = ["bytes": Double(record.byteCount)]
        switch rate {
        case .perSecond(let rate): settings["rate"] = rate
        case .most: settings["window"] = Double(window)
        }
        return settings
    }

    func task(of agent: Int) -> AgentTask {
        var invocation: AgentTask.Invocation?
        // One of them calls for everybody.
        if agent == 0, case .invoke(let method) = publish, case .perSecond(let rate) = rate {
            invocation = AgentTask.Invocation(method: method, ratePerSecond: rate)
        }
        return .receive(
            byteCount: record.byteCount, target: record.target, slowShare: slowShare,
            invokes: invocation)
    }

    func measure(_ run: LoadRun) throws(BenchError) -> Int {
        switch publish {
        case .redis(let host, let port): try measureRedis(run, host, port)
        case .invoke: try measureInvocations(run)
        }
    }

    private func measureInvocations(_ run: LoadRun) throws(BenchError) -> Int {
        let start = try run.begin()
        try run.watch(until: start + run.durationNanoseconds)
        run.rest()
        // The agents say what they have sent with their next report.
        try run.watchUntilQuiet(atMost: Self.settleTimeout)
        run.end()
        return run.sentByAgents
    }

    private func measureRedis(
        _ run: LoadRun, _ host: String, _ port: UInt16
    ) throws(BenchError) -> Int {
        // As many as fit leave no moment in which Redis's own share could be seen.
        let listener =
            rate == .most
            ? nil : try RedisListener(host: host, port: port, channel: channel)
        let publisher = Publisher(
            try RedisPublisher(host: host, port: port, channel: channel), record, rate,
            window: window, ownSubscriberCount: listener == nil ? 0 : 1, run.crew)
        let warmUpNanoseconds = UInt64(warmUp.nanoseconds)
        if warmUpNanoseconds > 0 {
            try publisher.run(until: clinux_monotonic_ns() + warmUpNanoseconds, run)
            try run.settle(publisher.publishedCount, atMost: Self.settleTimeout)
        }
        let start = try run.begin(firstSequence: UInt32(publisher.publishedCount))
        try publisher.run(until: start + run.durationNanoseconds, run)
        try run.settle(publisher.publishedCount, atMost: Self.settleTimeout)
        run.end()
        run.record(.lateness, publisher.lateness)
        if let listener { run.record(.redis, try listener.stop(countedFrom: start)) }
        return publisher.publishedCount
    }

    func metrics(_ run: LoadRun) -> [String: Double] {
        let deliveries = Double(run.total.tally.measuredDeliveries)
        return [
            "published": Double(run.publishedCount),
            "deliveries": Double(run.total.tally.deliveries),
            "deliveries_measured": deliveries,
            "deliveries_per_second": deliveries / run.measuredSeconds,
            "server_cpu_us_per_delivery": run.serverProcessorSeconds * 1e6 / max(1, deliveries),
            "lost": Double(run.total.tally.lost),
            "duplicates": Double(run.total.tally.duplicates),
            "reordered": Double(run.total.tally.reordered),
        ]
    }
}
