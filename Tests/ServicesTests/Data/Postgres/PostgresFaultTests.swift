import Loop
import TestSupport
import Testing

@testable import Services

/// What the store does when the server refuses, stops, or is somewhere else.
@Suite("PostgresOrderStore: faults", .enabled(if: TestPostgres.isAvailable))
struct PostgresFaultTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase() }

    // MARK: What the server says

    @Test(arguments: ["40001", "40P01"])
    func `a lost conflict is tried again`(state: String) throws {
        let test = database.store()
        try refuse(times: 2, state: state)

        #expect(try test.store.accept([.sample(1)])[0].order != nil)
        #expect(try attemptCount() == 3)
        #expect(try test.store.outboxDepth() == 1)
    }

    @Test func `a conflict without end is unavailable, after a bounded number of tries`() throws {
        let test = database.store { $0.attemptCountMax = 3 }
        try refuse(times: 99, state: "40P01")

        #expect(unavailable { try test.store.accept([.sample(1)]) })
        #expect(try attemptCount() == 3)
    }

    @Test func `any other refusal is a failure, and not tried again`() throws {
        let test = database.store()
        try refuse(times: 1, state: "P0001")

        #expect(throws: StoreError.self) { try test.store.accept([.sample(1)]) }
        #expect(!unavailable { try test.store.ping() })
        #expect(try attemptCount() == 1)
        #expect(try test.store.accept([.sample(1)])[0].order != nil)
    }

    @Test func `a user that no column can hold fails alone and leaves the session in order`() throws
    {
        let test = database.store { $0.pool.connectionCountMax = 1 }
        let error = #expect(throws: StoreError.self) {
            try test.store.accept([.sample(1, user: "a\0b")])
        }
        guard case .failed = error else {
            Issue.record("got \(String(describing: error))")
            return
        }
        #expect(try test.store.accept([.sample(2)])[0].order != nil)
    }

    @Test func `a read-only database is unavailable for writes, answers reads, and comes back`()
        throws
    {
        let test = database.store()
        try setReadOnly(true)

        #expect(unavailable { try test.store.accept([.sample(1)]) })
        #expect(try test.store.products(offset: 0, size: 1).total == 145)

        try setReadOnly(false)
        // One session may be left that has not learnt of it; its refusal is its end.
        while unavailable({ try test.store.accept([.sample(1)]) }) {}
        #expect(try test.store.outboxDepth() == 1)
    }

    @Test func `a lock of somebody else is unavailable in time, and the session lives on`() throws {
        let test = database.store {
            $0.pool.callTimeout = .seconds(4)
            $0.pool.connectionCountMax = 1
        }
        _ = try test.store.accept([.sample(1)])
        let session = try test.store.pool.call { (session) throws(PostgresError) in
            try session.run("SELECT pg_backend_pid()::bigint")[0].integer(0)
        }
        let other = try database.connect()
        try other.run([PostgresStatement("BEGIN"), PostgresStatement("LOCK TABLE \"Order\"")])

        #expect(unavailable { try test.store.accept([.sample(2)]) })
        #expect(test.store.status.isUp)
        try other.run("ROLLBACK")

        #expect(try test.store.accept([.sample(2)])[0].order != nil)
        let after = try test.store.pool.call { (session) throws(PostgresError) in
            try session.run("SELECT pg_backend_pid()::bigint")[0].integer(0)
        }
        #expect(after == session)
    }

    // MARK: Sessions

    @Test func `sessions ended by the server are replaced before anybody notices`() throws {
        let test = database.store()
        try test.store.ping()

        for _ in 0..<3 {
            try terminateSessions()
            try test.store.ping()
        }
    }

    @Test func `a session ended in the middle is unavailable, and nothing was written`() throws {
        let test = database.store()
        let other = try database.connect()
        try other.run([PostgresStatement("BEGIN"), PostgresStatement("LOCK TABLE \"Order\"")])
        let outcome = Monitor<Bool?>(nil)
        let thread = NativeThread(name: "accept") {
            let isUnavailable = unavailable { try test.store.accept([.sample(1)]) }
            outcome.update { $0 = isUnavailable }
        }

        let terminate: StaticString = """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        // Inside a transaction the view would stay as it was at its first use.
        let observer = try database.connect()
        while try observer.run(terminate)[0].integer(0) == 0 {}
        thread.join()
        try other.run("ROLLBACK")

        #expect(outcome.withLock { $0 } == true)
        #expect(try test.store.orderState(.numbered(1)) == nil)
        #expect(try test.store.accept([.sample(1)])[0].order != nil)
    }

    @Test func `with fewer sessions than wanted the store works with those it gets`() throws {
        let role = "contoso_" + CorrelationID(from: SystemRandom()).description
        let admin = try database.connect()
        try admin.execute("CREATE ROLE \"\(role)\" LOGIN PASSWORD 'x' CONNECTION LIMIT 1")
        try admin.execute("GRANT pg_read_all_data TO \"\(role)\"")
        var options = database.options
        options.parameters["user"] = role
        options.parameters["password"] = "x"
        do {
            var settings = PostgresOrderStore.Settings()
            settings.pool.callTimeout = .seconds(20)
            let test = TestStore(
                PostgresOrderStore(options: options, settings: settings), database: database)
            let threads = (0..<4).map { _ in
                NativeThread(name: "ping") {
                    for _ in 0..<20 { #expect(!unavailable { try test.store.ping() }) }
                }
            }
            for thread in threads { thread.join() }
            test.store.close()
        }
        try admin.execute("DROP ROLE \"\(role)\"")
    }

    // MARK: Helping hands

    /// Refuses that many inserts of orders. A sequence counts them: it survives a rollback.
    private func refuse(times: Int, state: String) throws {
        try database.connect().execute(
            """
            CREATE SEQUENCE "Attempts";
            CREATE FUNCTION "Refuse"() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('"Attempts"') <= \(times) THEN
                    RAISE EXCEPTION 'refused on purpose' USING ERRCODE = '\(state)';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER "Refusal" BEFORE INSERT ON "Order" FOR EACH ROW
                EXECUTE FUNCTION "Refuse"()
            """)
    }

    private func attemptCount() throws -> Int64 {
        try database.connect().run("SELECT last_value FROM \"Attempts\"")[0].integer(0)
    }

    private func setReadOnly(_ isReadOnly: Bool) throws {
        // From outside: a session of that database could not take it back.
        try TestPostgres.connect(TestPostgres.server()).execute(
            """
            ALTER DATABASE "\(database.options.database)"
                SET default_transaction_read_only = \(isReadOnly)
            """)
        try terminateSessions()
    }

    private func terminateSessions() throws {
        try database.connect().run(
            """
            SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
    }
}

/// True if `body` throws `StoreError.unavailable`; other errors are issues.
@discardableResult
func unavailable<Value>(_ body: () throws -> Value) -> Bool {
    do {
        _ = try body()
        return false
    } catch StoreError.unavailable {
        return true
    } catch {
        Issue.record("got \(error)")
        return false
    }
}
