// ClientLoop: the clients of one agent, all on one reactor.
//
//   open ─▶ clients begun by the ramp, at most `openingCountMax` on their way ─▶ each open or failed
//   begin ─▶ workload ─▶ end                     once a second: Progress ─▶ report
//
// Thread: the reactor's.  Allocates: per connection, and per report.

import CLinux
import Loop
import WS

final class ClientLoop {
    let reactor: Reactor
    let setup: AgentSetup
    private let targets: [TargetURL]
    let tokens: ClientTokens
    let headers: [(name: String, value: String)]
    let dialer: Dialer
    let tls: TLSClientContext?
    /// Takes reports to whoever wants them, without waiting.
    private let report: (AgentReport) -> Void

    private(set) var clients: [HubClient] = []
    private(set) var openCount = 0
    private var progress = AgentReport.Progress()
    private var startedCount = 0
    private var settledCount = 0
    private var openingStart = MonotonicInstant(nanoseconds: 0)
    /// Counts the starts of the reports' clock; a timer of an older one does nothing.
    private var reportSeries = 0
    private(set) var isEnding = false
    private(set) var workload: Workload!

    let handshakeFrame = ClientFrame.record(HubRecords.handshake)
    let pingFrame = ClientFrame.record(HubRecords.ping)

    /// How often the ramp is looked at, and how long a report waits at most.
    private static let rampInterval: Duration = .milliseconds(16)
    private static let reportInterval: Duration = .seconds(1)

    /// - Parameter report: called on the loop.
    init(
        reactor: Reactor, setup: AgentSetup, report: @escaping (AgentReport) -> Void
    ) throws(BenchError) {
        self.reactor = reactor
        self.setup = setup
        self.report = report
        tokens = ClientTokens(access: setup.client.access)
        headers = try Self.headers(setup.client.headers)
        var targets: [TargetURL] = []
        for url in setup.client.urls {
            do throws(HTTPURLError) {
                targets.append(try TargetURL(url))
            } catch {
                throw BenchError(description: "the URL \(url) \(error)")
            }
        }
        guard !targets.isEmpty else { throw BenchError(description: "there is no URL") }
        self.targets = targets
        tls = try Self.context(setup.client)
        dialer = Dialer(reactor: reactor)
        workload = try setup.task.makeWorkload(self)
        startReports()
    }

    private static func headers(
        _ lines: [String]
    ) throws(BenchError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            let name = parts.first.map(String.init) ?? ""
            guard parts.count == 2, ClientRequest.isFieldName(name) else {
                throw BenchError(description: "the header \"\(line)\" is no NAME: VALUE")
            }
            headers.append((name: name, value: String(parts[1].drop { $0 == " " })))
        }
        return headers
    }

    /// Made also for a plain URL: a redirection may lead to TLS.
    static func context(
        _ client: ClientSettings, resumesSessions: Bool = false
    ) throws(BenchError) -> TLSClientContext {
        var settings = TLSClientContext.Settings()
        settings.resumesSessions = resumesSessions
        settings.verification = client.isInsecure ? .none : .full
        settings.authorityFile = client.isInsecure ? nil : client.authorityFile
        do throws(TLSConfigurationError) {
            return try TLSClientContext(settings)
        } catch {
            throw BenchError(description: error.description)
        }
    }

    /// What the reactor of such an agent needs.
    static func limits(_ setup: AgentSetup) -> Limits {
        var limits = Limits()
        // A negotiation has a connection of its own, and so may an order.
        limits.connectionCountMax = setup.clientCount + 2 * setup.openingCountMax + 256
        if case .storm(let count) = setup.task { limits.connectionCountMax += count }
        // Nobody else waits on this loop: a client's handshakes are its work.
        limits.handshakeCountPerTick = 64
        limits.leftoverByteCountMax = max(
            limits.leftoverByteCountMax, 2 * setup.client.payloadByteCountMax)
        limits.outboundByteCountMax = max(
            limits.outboundByteCountMax, 2 * setup.client.payloadByteCountMax)
        return limits
    }

    var openTimeout: Duration { .seconds(setup.client.openSeconds) }
    var pingInterval: Duration { .seconds(setup.client.pingSeconds) }

    /// Where client number `client` of this agent goes.
    func target(of client: Int) -> TargetURL {
        targets[(setup.firstClient + client) % targets.count]
    }

    func endpoint(of origin: HTTPOrigin, client: Int) -> Endpoint {
        let sources = setup.client.sources
        return Endpoint(
            host: origin.host, port: origin.port, tls: origin.isEncrypted ? tls : nil,
            source: sources.isEmpty ? nil : sources[client % sources.count])
    }

    // MARK: Commands

    func open() {
        precondition(clients.isEmpty, "opened twice")
        clients.reserveCapacity(setup.clientCount)
        for number in 0..<setup.clientCount { clients.append(HubClient(self, number: number)) }
        openingStart = reactor.now
        if clients.isEmpty { return report(.opened) }
        startDue()
        // Without a ramp too: the first ones may all fail within one tick.
        reactor.every(Self.rampInterval) { [unowned self] in startDue() }
    }

    /// The measured time begins at `start` of CLOCK_MONOTONIC, in nanoseconds. What was before is
    /// reported now, and the reports keep to the seconds of the measured time.
    func begin(at start: UInt64) {
        sendProgress()
        startReports()
        workload.begin(at: start)
        report(.begun)
    }

    func rest() { workload.rest() }

    func end(publishedCount: Int) {
        isEnding = true
        workload.end(publishedCount: publishedCount)
        sendProgress()
        report(.ended)
    }

    // MARK: The ramp

    private func startDue() {
        guard startedCount < clients.count, !isEnding else { return }
        var dueCount = clients.count
        if let ramp = setup.rampPerSecond {
            let elapsed = Double(openingStart.duration(to: reactor.now).nanoseconds) / 1e9
            dueCount = min(dueCount, Int(elapsed * ramp) + 1)
        }
        while startedCount < dueCount, startedCount - settledCount < setup.openingCountMax {
            startedCount += 1
            clients[startedCount - 1].start()
        }
    }

    private func settle() {
        settledCount += 1
        if settledCount == clients.count {
            sendProgress()
            report(.opened)
        } else {
            startDue()
        }
    }

    // MARK: What clients tell

    func clientOpened(_ client: HubClient, _ connection: Connection) {
        openCount += 1
        progress.tally.opened += 1
        workload.ready(client, connection)
        settle()
    }

    func clientFailed(_ client: HubClient, _ description: String) {
        progress.tally.failed += 1
        count(error: description)
        settle()
    }

    func clientLost(_ client: HubClient, _ reason: CloseReason) {
        openCount -= 1
        if isEnding { return }
        if client.isSlow {
            progress.tally.cut += 1
        } else {
            progress.tally.dropped += 1
            count(error: "an open connection ended (\(reason))")
        }
        workload.lost(client)
    }

    func record(_ reading: Reading, _ nanoseconds: UInt64) {
        progress.readings.record(reading, nanoseconds)
    }

    func count(error description: String) { progress.errors[description, default: 0] += 1 }

    func completed(_ completions: [AgentReport.Completion]) { report(.completed(completions)) }

    private func startReports() {
        reportSeries += 1
        reportLater(series: reportSeries, at: reactor.now.advanced(by: Self.reportInterval))
    }

    /// By deadlines: timers that are each a little late would drift over a long run.
    private func reportLater(series: Int, at due: MonotonicInstant) {
        reactor.after(max(.zero, reactor.now.duration(to: due))) { [unowned self] in
            guard series == reportSeries else { return }
            sendProgress()
            reportLater(series: series, at: due.advanced(by: Self.reportInterval))
        }
    }

    private func sendProgress() {
        workload.collect(into: &progress)
        progress.tally.openCount = openCount
        report(.progress(progress))
        progress = AgentReport.Progress()
    }
}
