// PostgresSessions: which sessions a pool has, who waits for one, and whether there is any hope.
//
//   answering ──▶ outage            a call's deadline passed, or no session could be opened:
//       ▲            │              calls that find none idle are refused at once
//       └────────────┘              a session was opened again
//
// So an outage costs the first call its deadline and the calls behind it nothing but the error: a
// queue of orders is answered "come again" before its clients give up. Sessions that the server has
// closed are noticed when they are taken (their socket has something to read) and replaced.
//
// The link's status changes together with the outage, under the lock, so that whoever is refused finds
// the link down.
//
// Thread: any; take waits.  Allocates: never, but for the list of idle sessions.

import Loop

final class PostgresSessions: Sendable {
    private struct State: Sendable {
        var idle: [PostgresConnection] = []
        /// Idle and lent ones.
        var openCount = 0
        /// Calls that wait for a session.
        var waitingCount = 0
        /// Why there is no session to be had; nil while the server answers.
        var outage: PostgresError?
        var isClosed = false
    }

    /// What the keeper does next.
    enum Task { case open, probe(PostgresConnection), rest, stop }

    let options: PostgresOptions
    let settings: PostgresPool.Settings
    /// Up while sessions can be opened and answer.
    let status: LinkStatus
    private let state = Monitor(State())
    private let time = SystemTime()
    private let log = Log("postgres")

    init(_ options: PostgresOptions, _ settings: PostgresPool.Settings, _ status: LinkStatus) {
        self.options = options
        self.settings = settings
        self.status = status
    }

    func close() {
        state.update { state in
            state.isClosed = true
            state.openCount -= state.idle.count
            state.idle = []
        }
    }

    // MARK: Lending

    /// A session that was alive a moment ago.
    func take(until deadline: MonotonicInstant) throws(PostgresError) -> PostgresConnection {
        while let connection = try waitForIdle(until: deadline) {
            if isGood(connection) {
                connection.lentAt = time.monotonicNow
                return connection
            }
            drop(connection)
        }
        throw PostgresError(
            kind: .unavailable,
            reason: "\(options.name): no session came free in time; "
                + "all \(settings.connectionCountMax) are busy, or one is being opened")
    }

    /// Nil after the deadline.
    private func waitForIdle(
        until deadline: MonotonicInstant
    ) throws(PostgresError) -> PostgresConnection? {
        if let connection = state.withLock({ $0.idle.popLast() }) { return connection }
        state.update { $0.waitingCount += 1 }
        defer { state.withLock { $0.waitingCount -= 1 } }
        let left = max(.zero, time.monotonicNow.duration(to: deadline))
        let result = state.wait(atMost: left) { [options] state in
            if let connection = state.idle.popLast() {
                return Result<PostgresConnection, PostgresError>.success(connection)
            }
            if state.isClosed {
                return .failure(
                    PostgresError(kind: .unavailable, reason: "\(options.name): closed"))
            }
            // Without an answer from the server, those at work will come back broken as well.
            guard let outage = state.outage else { return nil }
            let isHopeless = state.openCount == 0 || outage.kind == .deadlineExceeded
            return isHopeless ? .failure(outage) : nil
        }
        return try result?.get()
    }

    func giveBack(_ connection: PostgresConnection, after error: PostgresError?) {
        if let error, error.kind == .deadlineExceeded { declareOutage(error) }
        if connection.isBroken || error?.endsConnection == true { return drop(connection) }
        let isKept = state.update { state in
            if state.isClosed { return false }
            state.idle.append(connection)
            // The server does answer.
            if state.outage?.kind == .deadlineExceeded { state.outage = nil }
            status.wentUp()
            return true
        }
        if !isKept { drop(connection) }
    }

    /// The session ends with its last reference, outside of the lock.
    func drop(_ connection: PostgresConnection) { state.update { $0.openCount -= 1 } }

    func isGood(_ connection: PostgresConnection) -> Bool {
        connection.expiresAt > time.monotonicNow && connection.isQuiet
    }

    /// The server does not answer: sessions that are idle would only cost the next calls their time.
    private func declareOutage(_ error: PostgresError) {
        let dropped = state.update { state in
            status.wentDown(at: time.monotonicNow)
            state.outage = error
            state.openCount -= state.idle.count
            defer { state.idle = [] }
            return state.idle
        }
        log.warning("no answer", [.reason(error.reason), .integer("dropped", dropped.count)])
    }

    /// Nobody has wanted it for a while, and it is not the only one.
    func isSpare(_ connection: PostgresConnection) -> Bool {
        connection.lentAt.advanced(by: settings.idleTimeout) <= time.monotonicNow && openCount > 1
    }

    /// Idle and lent ones.
    var openCount: Int { state.withLock { $0.openCount } }

    // MARK: The keeper's side

    /// Waits for something to do, at most for the probe interval.
    func nextTask() -> Task {
        let task = state.wait(atMost: settings.probeInterval) { [settings] state -> Task? in
            if state.isClosed { return .stop }
            let isWanted =
                state.openCount == 0 || state.outage != nil
                || state.waitingCount > state.idle.count
            return isWanted && state.openCount < settings.connectionCountMax ? .open : nil
        }
        // The longest idle one; those in use prove themselves.
        return task
            ?? state.withLock { state in
                state.idle.isEmpty ? .rest : .probe(state.idle.removeFirst())
            }
    }

    /// - Returns: true if the pool was closed meanwhile.
    func waitForClose(atMost pause: Duration) -> Bool {
        state.wait(atMost: pause) { $0.isClosed ? true : nil } ?? false
    }

    func opened(_ connection: PostgresConnection) {
        let wasAway = state.update { state in
            defer { state.outage = nil }
            if !state.isClosed {
                state.openCount += 1
                state.idle.append(connection)
            }
            status.wentUp()
            return state.outage != nil
        }
        if wasAway { log.info("connected", [.string("database", options.name)]) }
    }

    func openingFailed(_ error: PostgresError) {
        let isFirst = state.update { state in
            defer { state.outage = error }
            if state.openCount == 0 { status.wentDown(at: time.monotonicNow) }
            return state.outage == nil
        }
        if isFirst { log.warning("cannot connect", [.reason(error.reason)]) }
    }
}
