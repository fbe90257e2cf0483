import Dispatch
import Loop
import TestSupport
import Testing

@testable import Services

@Suite("PostgresMigrations", .enabled(if: TestPostgres.isAvailable))
struct PostgresMigrationsTests {
    let time = FakeClock().wallNow
    let long = PostgresOrderStore.migrationTimeout

    @Test func `a database that does not exist is made, and a second run does nothing`() throws {
        let database = try TestDatabase(migrated: false)

        #expect(try PostgresOrderStore.migrate(database.options) == [1, 2])
        #expect(try PostgresOrderStore.migrate(database.options) == [])
        #expect(throws: Never.self) { try PostgresOrderStore.checkSchema(database.options) }
    }

    @Test func `many that start at once apply each version once`() throws {
        let database = try TestDatabase(migrated: false)

        let applied = Monitor([Int64]())
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            do {
                let versions = try PostgresOrderStore.migrate(database.options)
                applied.withLock { $0 += versions }
            } catch { Issue.record("got \(error)") }
        }

        #expect(applied.withLock { $0.sorted() } == [1, 2])
    }

    @Test func `a step that fails leaves no trace, and those before it stay`() throws {
        let database = try TestDatabase()
        let broken = PostgresMigration(version: 3, description: "broken", text: "x") {
            (connection) throws(PostgresError) in
            try connection.execute("CREATE TABLE Extra (N INTEGER); CREATE TABLE Extra (N INTEGER)")
        }

        #expect(throws: StoreError.self) {
            try migrate(database, PostgresMigration.all + [broken])
        }

        let isThere = try database.connect().run("SELECT to_regclass('extra') IS NOT NULL")
        #expect(!isThere[0].boolean(0))
        #expect(try PostgresOrderStore.migrate(database.options) == [])
    }

    @Test func `a version that was applied in another form is refused`() throws {
        let database = try TestDatabase()
        let changed = PostgresMigration(version: 1, description: "Schema", text: "other") { _ in }

        let error = #expect(throws: StoreError.self) { try migrate(database, [changed]) }

        #expect(error?.reason.contains("another form of migration 1") == true)
        #expect(error?.reason.contains("--database") == true)
    }

    @Test func `a database of a newer build is refused`() throws {
        let database = try TestDatabase()

        let error = #expect(throws: StoreError.self) {
            try migrate(database, [PostgresMigration.all[0]])
        }

        #expect(error?.reason.contains("newer version") == true)
    }

    @Test func `a check says what is missing, and makes nothing`() throws {
        let database = try TestDatabase(migrated: false)
        let absent = #expect(throws: StoreError.self) {
            try PostgresOrderStore.checkSchema(database.options)
        }
        _ = try migrate(database, [])
        let empty = #expect(throws: StoreError.self) {
            try PostgresOrderStore.checkSchema(database.options)
        }

        #expect(absent?.reason.contains("contoso migrate") == true)
        #expect(empty?.reason.contains("schema 0 is old") == true)
        #expect(empty?.reason.contains("contoso migrate") == true)
    }

    @Test func `a migrator that holds the lock too long is waited for until the deadline`() throws {
        let database = try TestDatabase()
        let other = try database.connect()
        try other.run([
            PostgresStatement("BEGIN"),
            PostgresStatement("SELECT pg_advisory_xact_lock(18982999397494639)"),
        ])

        #expect(
            unavailable {
                try PostgresOrderStore.migrate(database.options, timeout: .milliseconds(300))
            })
        try other.run("ROLLBACK")
        #expect(try PostgresOrderStore.migrate(database.options) == [])
    }

    @Test func `an update stamps UpdatedAt`() throws {
        let database = try TestDatabase()
        let session = try database.connect()
        try session.run("UPDATE \"Product\" SET \"UpdatedAt\" = 'epoch' WHERE \"Id\" = 1")
        try session.run("UPDATE \"Product\" SET \"Name\" = 'new' WHERE \"Id\" = 1")

        let stamp = try session.run("SELECT \"UpdatedAt\" FROM \"Product\" WHERE \"Id\" = 1")

        #expect(stamp[0].time(0).seconds > 1_700_000_000)
    }

    // MARK: Reachability

    @Test func `a start tells a missing database, a refused login and silence apart`() throws {
        let database = try TestDatabase(migrated: false)
        var stranger = database.options
        stranger.parameters["user"] = "contoso nobody"
        let closed = try FaultyLink(to: 1)
        closed.set(.cut)
        var away = database.options
        away.parameters["port"] = "\(closed.port)"

        #expect(reachable(try TestPostgres.server(), .seconds(20)) == nil)
        guard case .unknownDatabase = reachable(database.options, .seconds(20)) else {
            Issue.record("the database is not there")
            return
        }
        guard case .authentication = reachable(stranger, .seconds(20)) else {
            Issue.record("the user is not there")
            return
        }
        guard case .unavailable = reachable(away, .milliseconds(300)) else {
            Issue.record("nobody is there")
            return
        }
    }

    private func reachable(_ options: PostgresOptions, _ limit: Duration) -> PostgresUnreachable? {
        do {
            try PostgresOrderStore.waitUntilReachable(options, atMost: limit)
            return nil
        } catch { return error }
    }

    private func migrate(_ database: TestDatabase, _ migrations: [PostgresMigration]) throws
        -> [Int64]
    {
        try PostgresOrderStore.migrate(database.options, migrations, timeout: long, at: time)
    }
}
