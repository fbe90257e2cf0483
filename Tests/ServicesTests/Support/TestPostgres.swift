// TestPostgres: fresh databases on the server that CONTOSO_TEST_POSTGRES names.
//
// A template with the schema is made once and copied for each test, which takes a tenth of the time
// of the migrations. Its name has their checksum, so it is never a stale one.

import Foundation
import Loop
import TestSupport

@testable import Services

enum TestPostgres {
    static let url = ProcessInfo.processInfo.environment["CONTOSO_TEST_POSTGRES"] ?? ""
    static var isAvailable: Bool { !url.isEmpty }

    static func server() throws -> PostgresOptions { try PostgresOptions(parsing: url) }

    /// A session that the tests use beside the store's own.
    static func connect(_ options: PostgresOptions) throws -> PostgresConnection {
        try PostgresConnection(options, deadline: SystemTime().monotonicNow + .seconds(60))
    }

    /// The name of a database that is migrated; made when it is first asked for.
    static let template: Result<String, any Error> = Result {
        let text = PostgresMigration.all.map(\.text).joined()
        let name = "contoso_template_" + SHA256Digest.hex(of: text).prefix(12)
        try PostgresOrderStore.migrate(server().with(database: name), at: FakeClock().wallNow)
        return name
    }
}

extension MonotonicInstant {
    static func + (instant: Self, duration: Duration) -> Self { instant.advanced(by: duration) }
}

/// A database of its own, gone with the last reference.
final class TestDatabase: Sendable {
    let options: PostgresOptions
    private let name: String

    init(migrated: Bool = true) throws {
        Log.level = .error
        name = "contoso_test_" + SystemRandom().bytes(8).map { String($0, radix: 16) }.joined()
        options = try TestPostgres.server().with(database: name)
        if migrated {
            let template = try TestPostgres.template.get()
            try Self.copy(template, to: name)
        }
    }

    deinit {
        // A leftover database harms no later test.
        try? TestPostgres.connect(TestPostgres.server())
            .execute("DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)")
    }

    /// The server copies no database that somebody is connected to, and another test process may be
    /// checking the template right now.
    private static func copy(_ template: String, to name: String) throws {
        let session = try TestPostgres.connect(TestPostgres.server())
        for attempt in 1... {
            do throws(PostgresError) {
                try session.execute("CREATE DATABASE \"\(name)\" TEMPLATE \"\(template)\"")
                return
            } catch {
                guard error.reason.contains("55006"), attempt < 50 else { throw error }
                session.pause(.milliseconds(100))
            }
        }
    }

    /// A store with short time-outs.
    func store(_ change: (inout PostgresOrderStore.Settings) -> Void = { _ in }) -> TestStore {
        var settings = PostgresOrderStore.Settings()
        settings.pool.connectionCountMax = 4
        // Eight engineers' builds may share the machine: an answer may take a while.
        settings.pool.callTimeout = .seconds(20)
        settings.pool.longestPause = .milliseconds(200)
        change(&settings)
        return TestStore(
            PostgresOrderStore(options: options, settings: settings), database: self)
    }

    func connect() throws -> PostgresConnection { try TestPostgres.connect(options) }
}

/// A store with the database it needs.
final class TestStore: Sendable {
    let store: PostgresOrderStore
    /// Kept, because its end is the database's.
    let database: TestDatabase

    init(_ store: PostgresOrderStore, database: TestDatabase) {
        self.store = store
        self.database = database
    }
}
