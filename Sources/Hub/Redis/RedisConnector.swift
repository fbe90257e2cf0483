// RedisConnector: keeps one connection to the server, for ever, and says what it is good for.
//
//   away ── dial, handshake ──▶ ready ◀──▶ stalled
//     ▲  └─ failed: wait ─┘       │           │
//     └────────── lost: wait ─────┴───────────┘        the waits grow, with a random part
//
// Changes are logged once, however many attempts an outage takes; a new reason is logged again. A link
// that is a little too slow stalls with every command: of those only some are logged.
//
// Thread: one loop.  Allocates: per attempt.

import Loop

final class RedisConnector {
    /// A connection that lived this long was a good one: the next wait is the shortest again.
    private static let goodLife: Duration = .seconds(5)
    /// The shortest time between two log lines about stalls.
    private static let stallLogInterval: Duration = .seconds(10)

    let reactor: Reactor
    let options: RedisOptions
    private let dialer: Dialer
    private let tls: TLSClientContext?
    private let status: LinkStatus
    private let random: any RandomSource
    private var backoff = Backoff()
    private var readySince: MonotonicInstant?
    /// When a stall was last logged.
    private var stallLogged: MonotonicInstant?
    private let log = Log("redis")
    private(set) var state = RedisLinkState.away(
        .unavailable(reason: "redis has not been connected yet"))

    /// Both set by the owner before the start. The new connection's handler, and what happens first
    /// on it, are the owner's.
    var onConnection: ((Connection) -> Void)?
    var onStateChange: ((RedisLinkState) -> Void)?

    init(
        reactor: Reactor, options: RedisOptions, status: LinkStatus, random: any RandomSource
    ) throws(TLSConfigurationError) {
        self.reactor = reactor
        self.options = options
        self.status = status
        self.random = random
        dialer = Dialer(reactor: reactor)
        guard let settings = options.tls else {
            tls = nil
            return
        }
        var context = TLSClientContext.Settings()
        context.verification = settings.verification
        context.authorityFile = settings.authorityFile
        context.certificateFile = settings.certificateFile
        context.keyFile = settings.keyFile
        tls = try TLSClientContext(context)
    }

    func connect() {
        // Weak: an attempt in flight must not outlive the owner, to whom the closures lead.
        let dial = RedisDial(options, dialer: dialer, tls: tls) { [weak self] result in
            switch result {
            case .success(let connection):
                guard let self else { return connection.abort() }
                readySince = reactor.now
                onConnection?(connection)
                change(to: .ready)
            case .failure(let error): self?.isAway(error)
            }
        }
        dial.start()
    }

    /// The connection is gone; another one is tried after a pause.
    func lost(_ error: RedisError) {
        if let readySince, readySince.duration(to: reactor.now) >= Self.goodLife {
            backoff.reset()
        }
        readySince = nil
        isAway(error)
    }

    private func isAway(_ error: RedisError) {
        change(to: .away(error))
        reactor.after(backoff.next(random: random)) { [weak self] in self?.connect() }
    }

    func change(to new: RedisLinkState) {
        guard new != state else { return }
        let old = state
        state = new
        let fields = [
            LogField.string("link", status.name.description), .string("server", options.text),
        ]
        switch new {
        case .ready:
            status.wentUp()
            if old != .stalled { log.info("connected", fields) }
        case .stalled:
            status.wentDown(at: reactor.now)
            logStall(fields)
        case .away(let error):
            status.wentDown(at: reactor.now)
            log.warning("away", [fields[0], .reason(error.description)])
        }
        onStateChange?(new)
    }

    private func logStall(_ fields: [LogField]) {
        if let stallLogged, stallLogged.duration(to: reactor.now) < Self.stallLogInterval { return }
        stallLogged = reactor.now
        log.warning("no answer in time; commands fail at once until one comes", fields)
    }
}
