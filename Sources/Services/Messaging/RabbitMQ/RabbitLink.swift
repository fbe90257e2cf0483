// RabbitLink: one connection to the broker that comes back by itself.
//
//   start ─▶ dialing ─▶ opening: handshake, then the queues on channel 1 ─▶ ready
//               ▲                         │ any failure                        │
//               └── Backoff, next host ◀──┴────────────────────────────────────┘
//
// Heartbeats are the loop's own, whatever the users of the link do: a broker that has been silent
// for two heartbeats is given up.
//
// Thread: one loop.  Allocates: per connection; per message as AMQPSession does.

import Loop

/// Why there is no link.
public struct RabbitFailure: Error, Sendable {
    /// With host and port, never the password.
    public let reason: String
    /// The broker understood us and said no; only an operator can change that.
    public let isRefusal: Bool
}

final class RabbitLink: ConnectionHandler {
    /// Declared, and free for the user of the link once it is ready.
    static let firstChannel: UInt16 = 1
    /// Of one send; larger than what the socket takes at once.
    private static let sendByteCount = 64 * 1024

    private enum State {
        case idle, dialing
        case opening(queuesLeft: ArraySlice<String>)
        case ready
        case waiting(RabbitFailure)
    }

    private let reactor: Reactor
    private let dialer: Dialer
    private let endpoints: [Endpoint]
    private let sessionSettings: AMQPSession.Settings
    private let settings: RabbitSettings
    private let topology: RabbitTopology
    private let random: any RandomSource
    private let log = Log("rabbitmq")

    private var state = State.idle {
        didSet { onChange() }
    }
    private var attemptCount = 0
    private var backoff = Backoff()
    private(set) var session: AMQPSession
    private var connection: Connection?
    private var openDeadline = MonotonicInstant(nanoseconds: 0)
    /// Why the connection at work is being cut.
    private var failure: RabbitFailure?
    /// The process is going; a lost connection stays lost.
    private var isDrained = false

    /// The link has become ready, or has ceased to be.
    var onChange: () -> Void = {}
    var onReady: () -> Void = {}
    /// Events of channels and of `blocked`, while ready.
    var onEvent: (AMQPEvent) -> Void = { _ in }
    /// After each portion of events.
    var onEventsEnd: () -> Void = {}
    /// No connection came about, or the one there was is lost.
    var onDown: (RabbitFailure) -> Void = { _ in }

    init(
        reactor: Reactor, endpoints: [Endpoint], options: AMQPOptions, settings: RabbitSettings,
        name: String, random: any RandomSource
    ) {
        precondition(!endpoints.isEmpty)
        self.reactor = reactor
        dialer = Dialer(reactor: reactor)
        self.endpoints = endpoints
        self.settings = settings
        self.random = random
        topology = RabbitTopology(settings)
        var sessionSettings = AMQPSession.Settings()
        sessionSettings.user = options.user
        sessionSettings.password = options.password
        sessionSettings.virtualHost = options.virtualHost
        sessionSettings.heartbeat = options.heartbeat
        sessionSettings.openTimeout = settings.openTimeout
        sessionSettings.bodyByteCountMax = settings.bodyByteCountMax
        sessionSettings.name = name
        self.sessionSettings = sessionSettings
        session = AMQPSession(settings: sessionSettings)
    }

    /// Begins to connect; further calls do nothing.
    func start() { if case .idle = state { dial() } }

    var isStarted: Bool {
        if case .idle = state { return false }
        return true
    }

    var isReady: Bool {
        if case .ready = state { return true }
        return false
    }

    /// Why the last attempt failed, while the next one has not succeeded; nil while the first is
    /// under way.
    private(set) var lastFailure: RabbitFailure?

    /// `10.0.0.7:5672`, the host of the connection or of the next attempt.
    var hostText: String { endpoints[attemptCount % endpoints.count].text }

    /// Sends what the session has written, as far as the socket keeps up.
    func flush() {
        guard let connection else { return }
        while session.output.byteCount > 0, !connection.isBackpressured, connection.isOpen {
            session.takeOutput(atMost: Self.sendByteCount, at: reactor.now) { connection.send($0) }
        }
    }

    /// Cuts the connection; it comes back as after any loss.
    func cut(_ reason: String) {
        end(RabbitFailure(reason: "RabbitMQ at \(hostText): \(reason)", isRefusal: false))
    }

    // MARK: Connecting

    private func dial() {
        state = .dialing
        failure = nil
        dialer.dial(
            endpoints[attemptCount % endpoints.count], timeout: settings.dialTimeout, handler: self,
            failed: { [weak self] error in
                self?.wentDown(
                    RabbitFailure(reason: "RabbitMQ: \(error.description)", isRefusal: false))
            })
    }

    private func wentDown(_ failure: RabbitFailure) {
        // Once per outage; the backoff would repeat it for hours.
        if lastFailure?.reason != failure.reason {
            log.warning("broker away", [.reason(failure.reason)])
        }
        state = .waiting(failure)
        lastFailure = failure
        attemptCount += 1
        onDown(failure)
        if isDrained { return }
        reactor.after(backoff.next(random: random)) { [weak self] in self?.dial() }
    }

    private func becameReady() {
        state = .ready
        lastFailure = nil
        backoff.reset()
        log.info("broker connected", [.string("broker", hostText)])
        onReady()
    }

    /// Everything in one go: the broker answers in order.
    private func declareQueues() {
        let queues = topology.queues
        session.openChannel(Self.firstChannel)
        for queue in queues {
            session.declare(
                queue.name, arguments: queue.arguments, isPassive: !settings.declaresQueues,
                on: Self.firstChannel)
        }
        state = .opening(queuesLeft: queues.map(\.name)[...])
        if queues.isEmpty { becameReady() }
    }

    // MARK: Events

    private func handle(_ event: AMQPEvent) {
        switch (event, state) {
        case (.opened, _):
            // Heartbeats begin, and they are due much sooner than the end of our patience.
            armTimer()
            declareQueues()
        case (.declared, .opening(var left)):
            left.removeFirst()
            state = .opening(queuesLeft: left)
            if left.isEmpty { becameReady() }
        case (.channelClosed(_, let close), .opening(let left)):
            end(refusal(of: left.first ?? "", close))
        case (.channelClosed(Self.firstChannel, let close), .ready):
            cut("closed our channel: \(close.text)")
        case (.closed, _): cut("closed")
        case (_, .ready): onEvent(event)
        default: return
        }
    }

    private func refusal(of queue: String, _ close: AMQPClose) -> RabbitFailure {
        // Whoever declares needs no queue to be there: another pod is declaring it in this moment,
        // or its node is away. The broker says "home node … is down or inaccessible" to both.
        let isPassing = close.code == AMQPClose.notFound && settings.declaresQueues
        let advice =
            switch close.code {
            case AMQPClose.preconditionFailed:
                "it exists with other arguments; delete it, or choose classic or quorum queues to "
                    + "match"
            case AMQPClose.accessRefused:
                "grant user \(sessionSettings.user) the right to configure it"
            case AMQPClose.notFound: isPassing ? "it is tried again" : "declare it"
            default: "see the broker's log"
            }
        return RabbitFailure(
            reason: "RabbitMQ at \(hostText) refuses queue \(queue) (\(advice)): \(close.text)",
            isRefusal: !isPassing)
    }

    private func failure(of error: AMQPError) -> RabbitFailure {
        let place = "RabbitMQ at \(hostText)"
        return switch error {
        case .malformed(let text): RabbitFailure(reason: "\(place): \(text)", isRefusal: false)
        case .silent(let time):
            RabbitFailure(
                reason: "\(place) has been silent for \(time.milliseconds) ms", isRefusal: false)
        case .refused(let text):
            RabbitFailure(
                reason: "\(place) refuses user \(sessionSettings.user); check user name and "
                    + "password in --broker: \(text)", isRefusal: true)
        case .closed(let close):
            RabbitFailure(
                reason: "\(place) closed the connection: \(close.text)",
                // 530 NOT_ALLOWED: no such virtual host, or not for this user.
                isRefusal: close.code == 530)
        }
    }

    /// `closed` follows and does the rest.
    private func end(_ failure: RabbitFailure) {
        guard self.failure == nil else { return }
        self.failure = failure
        connection?.abort()
    }

    // MARK: ConnectionHandler

    override func opened(_ connection: Connection) {
        self.connection = connection
        session = AMQPSession(settings: sessionSettings)
        session.start(at: reactor.now)
        openDeadline = reactor.now.advanced(by: settings.openTimeout)
        flush()
        armTimer()
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        var problem: AMQPError?
        do { try session.receive(UnsafeRawBufferPointer(bytes), at: reactor.now) } catch {
            problem = error
        }
        for event in session.takeEvents() where failure == nil { handle(event) }
        if let problem { end(failure(of: problem)) }
        onEventsEnd()
        flush()
        return bytes.count
    }

    override func becameWritable(_ connection: Connection) { flush() }

    override func timerFired(_ connection: Connection) {
        do { try session.timerFired(at: reactor.now) } catch { return end(failure(of: error)) }
        if case .opening = state, reactor.now >= openDeadline {
            return cut("did not declare the queues in time")
        }
        flush()
        armTimer()
    }

    override func peerClosed(_ connection: Connection) {
        // Brokers without `authentication_failure_close` say no in this way only.
        let isLogin = session.phase == .awaitingTune
        cut(isLogin ? "closed the connection at login" : "closed the connection")
    }

    override func drain(_ connection: Connection) {
        isDrained = true
        session.close()
        flush()
        connection.closeAfterFlush()
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        self.connection = nil
        wentDown(
            failure
                ?? RabbitFailure(
                    reason: "RabbitMQ at \(hostText): connection lost: \(reason)",
                    isRefusal: false))
    }

    /// From the handshake on the deadlines only move away: one timer that looks again is enough.
    private func armTimer() {
        var deadline = session.deadline
        if case .opening = state { deadline = min(deadline, openDeadline) }
        connection?.armTimer(after: max(.zero, reactor.now.duration(to: deadline)))
    }
}

@available(*, unavailable)
extension RabbitLink: Sendable {}
