// BenchOptions: what bench is asked to do.
//
//   arguments ─▶ OptionParser ─▶ BenchOptions ─▶ what was left out, from the rest ─▶ a run
//
// Thread: a pure value.  Allocates: its texts.

import Loop

enum ScenarioName: String, CaseIterable, Sendable {
    case connectStorm = "connect-storm"
    case storm
    case idleHold = "idle-hold"
    case echo
    case fanOut = "fan-out"
    case backplane
    case order
    case slowReaders = "slow-readers"
    case tlsResumption = "tls-resumption"
}

enum OutputForm: String, CaseIterable, Sendable { case text, json }

enum EchoKind: String, CaseIterable, Sendable { case raw, hub }

/// Who sends the broadcasts.
enum PublishWay: Equatable, Sendable {
    case redis(host: String, port: UInt16)
    /// A hub method that sends its argument to everybody.
    case invoke(method: String)
}

/// How many messages.
enum Rate: Equatable, Sendable {
    case perSecond(Double)
    /// As many as fit, `window` broadcasts under way at one time.
    case most
}

struct BenchOptions: Equatable, Sendable {
    // What is done.
    var scenario: ScenarioName?
    var connectionCount = 100
    var rate: Rate?
    /// Of the measured time; nil: the scenario's own.
    var duration: Duration?
    /// Load before the measured time.
    var warmUp: Duration = .seconds(1)
    /// Connections begun per second; nil: as many as `openingCountMax` lets.
    var rampPerSecond: Double?
    /// Connections being opened at one time, all agents together.
    var openingCountMax = 64
    /// Bytes of a message; nil: the scenario's own.
    var byteCount: Int?
    /// Broadcasts under way at one time, with `--rate max`.
    var window = 2
    var slowShare = 0.1
    /// Connections that come at once while the others are served.
    var newcomerCount = 10_000
    var publish: PublishWay?
    var channel = RedisPublisher.channelDefault
    var target = "Broadcast"
    var echo = EchoKind.raw
    var method = "Echo"

    // Against whom.
    /// The connections take turns; empty: bench starts the servers.
    var urls: [TargetURL] = []
    var hubPath = "/hubs/order-status"
    var headers: [String] = []
    var isInsecure = false
    var authorityFile: String?
    var skipsNegotiation = false
    var token: String?
    var tokenSecret: String?
    var issuer: String?
    var audience: String?
    /// Users the connections belong to; nil: one each.
    var userCount: Int?
    /// Whose memory and CPU time are measured.
    var serverProcesses: [Int32] = []
    /// Pods started by bench, without a URL.
    var podCount: Int?
    var isPlain = false
    var measuresFloor = false
    /// The servers bench starts on the first core, the agents on the others.
    var isPinned = false

    // By whom.
    var processCount: Int?
    /// A network or addresses; nil: 127.0.0.0/8 where the target is loopback.
    var source: String?

    // What comes out.
    var output = OutputForm.text
    var histogramLog: String?
    var thresholds: [String] = []
    var isQuiet = false
    var keepDirectory: String?

    /// A process may have 20,000 descriptors on many machines; some are no connections.
    static let connectionCountPerProcess = 18_000

    var agentCount: Int {
        if scenarioOrDefault == .storm { return 1 + (processCount ?? StormScenario.processCount) }
        return processCount
            ?? max(
                1,
                (connectionCount + Self.connectionCountPerProcess - 1)
                    / Self.connectionCountPerProcess)
    }
}
