// PostgresPool: a bounded number of sessions, lent to worker threads.
//
//   call ──▶ [idle …] ──▶ session ──▶ body ──▶ [idle …]            a broken one is thrown away
//               ▲  none idle: wait, at most until the call's deadline
//               └── keeper thread: opens what is missing, tries again while the server is away,
//                   asks an idle one now and then, closes what nobody wants
//
// Thread: `call` any worker thread; the keeper is a thread of the pool's own.
// Allocates: per session; a call nothing of its own.

import Loop

public final class PostgresPool: Sendable {
    public struct Settings: Sendable {
        /// Sessions of this process; further calls wait for one. At least 1.
        public var connectionCountMax = 8
        /// For one call of the store, from waiting for a session to the answer. What waits for the
        /// server's locks is ended by the server a quarter earlier, with the session intact.
        public var callTimeout: Duration = .seconds(2)
        /// A session is replaced when it is this old, up to a quarter later: after a move of the
        /// database the load finds its new place.
        public var lifetime: Duration = .seconds(1800)
        /// A session that no call has wanted for so long is closed, except the last one: what a burst
        /// has opened is a process of the server's each.
        public var idleTimeout: Duration = .seconds(60)
        /// How often an idle session is asked whether it is alive.
        public var probeInterval: Duration = .seconds(5)
        /// Pauses between attempts to connect while the server is away; doubling.
        public var firstPause: Duration = .milliseconds(100)
        public var longestPause: Duration = .seconds(2)
        /// The server ends a transaction that a stopped process has left open; its locks are free
        /// then.
        public var abandonedTransactionTimeout: Duration = .seconds(10)
        public init() {}
    }

    let sessions: PostgresSessions
    private let settings: Settings
    private let keeper: Monitor<NativeThread?> = Monitor(nil)

    /// Begins to connect; does not wait for it.
    init(_ options: PostgresOptions, settings: Settings, status: LinkStatus) {
        precondition(settings.connectionCountMax > 0)
        self.settings = settings
        sessions = PostgresSessions(options, settings, status)
        let keeper = PostgresKeeper(sessions)
        self.keeper.withLock { $0 = NativeThread(name: "postgres") { keeper.keep() } }
    }

    deinit { close() }

    /// Ends idle sessions and the keeper, whose attempt to connect may take its time-out; calls under
    /// way finish, later ones are refused. A second close has no effect.
    func close() {
        sessions.close()
        keeper.withLock { keeper in
            keeper?.join()
            keeper = nil
        }
    }

    /// Lends a session to `body`, with the deadline of one call.
    func call<Value>(
        _ body: (PostgresConnection) throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        let deadline = SystemTime().monotonicNow.advanced(by: settings.callTimeout)
        let connection = try sessions.take(until: deadline)
        connection.deadline = deadline
        do throws(PostgresError) {
            let value = try body(connection)
            sessions.giveBack(connection, after: nil)
            return value
        } catch {
            sessions.giveBack(connection, after: error)
            throw error
        }
    }
}
