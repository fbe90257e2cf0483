// PostgresKeeper: the thread that opens a pool's sessions and looks after idle ones.
//
//   wanted ──▶ open ──▶ ok                                 a call waits, or none is open
//                └────▶ failed ──▶ pause (growing) ──▶ open
//   nothing wanted for 5 s ──▶ the session that was idle for longest: SELECT 1, or its end
//
// Only this thread connects, so a call never waits for a name server or a silent host longer than its
// own deadline.
//
// Thread: its own.  Allocates: per session.

import Loop

struct PostgresKeeper: Sendable {
    private let sessions: PostgresSessions
    private let settings: PostgresPool.Settings
    private let time = SystemTime()

    init(_ sessions: PostgresSessions) {
        self.sessions = sessions
        settings = sessions.settings
    }

    /// Returns when the pool is closed.
    func keep() {
        var pauses = Backoff()
        pauses.first = settings.firstPause
        pauses.most = settings.longestPause
        while true {
            switch sessions.nextTask() {
            case .stop: return
            case .rest: continue
            case .probe(let connection): probe(connection)
            case .open:
                if open() {
                    pauses.reset()
                } else if sessions.waitForClose(atMost: pauses.next(random: SystemRandom())) {
                    return
                }
            }
        }
    }

    private func probe(_ connection: PostgresConnection) {
        guard sessions.isGood(connection), !sessions.isSpare(connection) else {
            return sessions.drop(connection)
        }
        connection.deadline = time.monotonicNow.advanced(by: settings.callTimeout)
        do throws(PostgresError) {
            try connection.run("SELECT 1")
            sessions.giveBack(connection, after: nil)
        } catch {
            sessions.giveBack(connection, after: error)
        }
    }

    private func open() -> Bool {
        let deadline = time.monotonicNow.advanced(by: sessions.options.connectTimeout)
        do throws(PostgresError) {
            let connection = try PostgresConnection(sessions.options, deadline: deadline)
            try connection.execute(sessionScript)
            connection.expiresAt = connection.openedAt.advanced(
                by: settings.lifetime.withJitter(SystemRandom()))
            sessions.opened(connection)
            return true
        } catch {
            sessions.openingFailed(error)
            return false
        }
    }

    /// What a new session is told, in one round trip.
    private var sessionScript: String {
        let patience = max(1, settings.callTimeout.milliseconds * 3 / 4)
        let abandoned = settings.abandonedTransactionTimeout.milliseconds
        return """
            SET statement_timeout = \(patience);
            SET lock_timeout = \(patience);
            SET idle_in_transaction_session_timeout = \(abandoned);
            -- All statements read few rows by an index. A plan that was made while a table was small
            -- must not read the whole of it when it has grown.
            SET enable_seqscan = off;
            SET enable_hashjoin = off;
            SET enable_mergejoin = off
            """
    }
}
