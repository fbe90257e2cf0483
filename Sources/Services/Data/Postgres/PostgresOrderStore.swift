// PostgresOrderStore: the order store that several processes share; this file has what is asked of it.
//
//   reads    here                    a snapshot, in one round trip
//   intake   PostgresIntake          accept, delete
//   worker   PostgresProcessing      begin, complete
//   relay    PostgresOutbox          lease, mark
//
// Thread: any worker thread; calls block, at most for `PostgresPool.Settings.callTimeout`.
// Allocates: the results.

import Loop

public struct PostgresOrderStore: OrderStore {
    public struct Settings: Sendable {
        public var queues = QueueNames()
        /// How long an idempotency key is remembered; then it may name a new order.
        public var idempotencyRetention: Duration = .seconds(24 * 3600)
        /// How long a relay keeps rows to itself. Those of one that died are published by another
        /// after this time.
        public var outboxLease: Duration = .seconds(10)
        /// How often one transaction is tried when it loses against another one (deadlock,
        /// serialization, race for the same key).
        public var attemptCountMax = 5
        public var pool = PostgresPool.Settings()
        public init() {}
    }

    /// How a transaction begins.
    enum Access {
        /// Later statements see what others commit meanwhile; waits for the disk at the end.
        case durable
        /// The same without that wait: for what is done again after a crash of the server.
        case relaxed
        /// One state of the database for all statements.
        case snapshot
    }

    public var systemName: StaticString { "postgresql" }
    let options: PostgresOptions
    let settings: Settings
    let pool: PostgresPool
    /// Whose rows of the outbox are leased; one per store.
    let relayID: String

    /// Up while the database answers.
    public var status: LinkStatus { pool.sessions.status }

    /// Begins to connect, and does not wait for it. The schema must be there (`migrate`).
    public init(options: PostgresOptions, settings: Settings = Settings()) {
        self.options = options
        self.settings = settings
        relayID = CorrelationID(from: SystemRandom()).description
        pool = PostgresPool(
            options, settings: settings.pool, status: LinkStatus(name: "postgres"))
    }

    /// Ends all sessions; so does the end of the last copy of the store.
    public func close() { pool.close() }

    public func ping() throws(StoreError) {
        _ = try call { (connection) throws(PostgresError) in
            try connection.run("SELECT max(\"Version\") FROM \"SchemaVersion\"")
        }
    }

    // MARK: Calls

    /// Runs `body` with a session and the deadline of one call.
    func call<Value>(
        _ body: (PostgresConnection) throws(PostgresError) -> Value
    ) throws(StoreError) -> Value {
        do { return try pool.call(body) } catch { throw error.storeError }
    }

    /// Runs statements as one transaction in one round trip.
    func run(
        _ access: Access, _ statements: [PostgresStatement]
    ) throws(StoreError) -> [PostgresRows] {
        try call { (connection) throws(PostgresError) in
            let all = access.begin + statements + [.commit]
            let results = try retrying(on: connection) { () throws(PostgresError) in
                try connection.run(all)
            }
            return Array(results.dropFirst(access.begin.count).dropLast())
        }
    }

    /// Runs `body` in a transaction; again from its start if it loses against another one. `body`
    /// sends `Access.durable.begin` with its first statements, to save the round trip.
    func transaction<Value>(
        _ body: (PostgresConnection) throws(PostgresError) -> Value
    ) throws(StoreError) -> Value {
        try call { (connection) throws(PostgresError) in
            try retrying(on: connection) { () throws(PostgresError) in
                let value = try body(connection)
                try connection.run([.commit])
                return value
            }
        }
    }

    private func retrying<Value>(
        on connection: PostgresConnection, _ body: () throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        var pauses = Backoff()
        pauses.first = .milliseconds(5)
        pauses.most = .milliseconds(100)
        var attempt = 1
        while true {
            do { return try body() } catch {
                if connection.isBroken { throw error }
                try connection.run([.rollback])
                let isWorthwhile = error.kind == .conflict || error.kind == .duplicate
                guard isWorthwhile, attempt < settings.attemptCountMax else { throw error }
                attempt += 1
                connection.pause(pauses.next(random: SystemRandom()))
            }
        }
    }
}

extension PostgresOrderStore.Access {
    var begin: [PostgresStatement] {
        switch self {
        case .durable: [PostgresStatement("BEGIN")]
        case .relaxed:
            [
                PostgresStatement("BEGIN"),
                PostgresStatement("SELECT set_config('synchronous_commit', 'off', true)"),
            ]
        case .snapshot: [PostgresStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")]
        }
    }
}

extension PostgresStatement {
    static let commit = PostgresStatement("COMMIT")
    static let rollback = PostgresStatement("ROLLBACK")
}
