// PostgresMigrations: brings a database to the schema of this build, forward only.
//
//   no such database             ──▶ CREATE DATABASE
//   version in SchemaVersion     same checksum   ──▶ done before
//                                other checksum  ──▶ refused: the database does not fit this build
//   version not in it            BEGIN ──▶ advisory lock ──▶ look again ──▶ apply ──▶ note ──▶ COMMIT
//
// Many processes may start at once: the lock lets one at a time into a step, and the look behind it
// shows the others that it is done. The lock belongs to the transaction, so a migrator that dies
// leaves neither a lock nor half a step.
//
// Thread: start-up; blocks, at most for the deadline.  Allocates: freely.

import Loop

/// One step of the schema. A released one never changes again.
struct PostgresMigration: Sendable {
    let version: Int64
    let description: String
    /// All that decides what the step does; its digest is kept with the version.
    let text: String
    let apply: @Sendable (PostgresConnection) throws(PostgresError) -> Void

    static let all = [
        PostgresMigration(
            version: 1, description: "Schema", text: PostgresSchema.script.description,
            apply: { (connection) throws(PostgresError) in
                try connection.execute(PostgresSchema.script)
            }),
        PostgresMigration(
            version: 2, description: "Seed", text: Seed.text,
            apply: { (connection) throws(PostgresError) in
                try PostgresSeed.insert(into: connection)
            }),
    ]
}

extension PostgresOrderStore {
    /// For all steps together, the wait for another migrator included.
    public static var migrationTimeout: Duration { .seconds(120) }

    /// Applies what is missing, each step in a transaction of its own, on a session of its own; makes
    /// the database if the server has none of that name.
    ///
    /// - Returns: the versions that this call applied.
    /// - Throws: also if the database was made by a newer build or by other text of the same version.
    @discardableResult
    public static func migrate(
        _ options: PostgresOptions, timeout: Duration = migrationTimeout,
        at time: WallTime = SystemTime().wallNow
    ) throws(StoreError) -> [Int64] {
        try migrate(options, PostgresMigration.all, timeout: timeout, at: time)
    }

    static func migrate(
        _ options: PostgresOptions, _ migrations: [PostgresMigration], timeout: Duration,
        at time: WallTime
    ) throws(StoreError) -> [Int64] {
        do throws(PostgresError) {
            let deadline = SystemTime().monotonicNow.advanced(by: timeout)
            let connection = try connectOrCreate(options, deadline: deadline)
            try step(on: connection) { () throws(PostgresError) in
                try connection.execute(versionTable)
            }
            var applied: [Int64] = []
            for migration in migrations {
                let isNew = try step(on: connection) { () throws(PostgresError) in
                    try apply(migration, on: connection, at: time)
                }
                if isNew { applied.append(migration.version) }
            }
            try check(connection, against: migrations)
            return applied
        } catch {
            throw error.storeError
        }
    }

    /// Says what is wrong with the schema, and changes nothing.
    public static func checkSchema(
        _ options: PostgresOptions, timeout: Duration = migrationTimeout
    ) throws(StoreError) {
        do throws(PostgresError) {
            let deadline = SystemTime().monotonicNow.advanced(by: timeout)
            let connection = try PostgresConnection(options, deadline: deadline)
            try check(connection, against: PostgresMigration.all)
        } catch {
            throw error.storeError
        }
    }

    // MARK: Steps

    private static var versionTable: StaticString {
        """
        CREATE TABLE IF NOT EXISTS "SchemaVersion" (
            "Version" bigint NOT NULL, "AppliedOn" timestamptz, "Description" varchar(1024),
            "Checksum" varchar(64) NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS "UX_SchemaVersion_Version"
            ON "SchemaVersion" ("Version")
        """
    }

    /// Runs `body` in a transaction that no other migrator enters.
    private static func step<Value>(
        on connection: PostgresConnection, _ body: () throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        do throws(PostgresError) {
            // The number is ours alone among the advisory locks of a database: "Contoso" in ASCII.
            try connection.run([
                PostgresStatement("BEGIN"),
                PostgresStatement("SELECT pg_advisory_xact_lock(18982999397494639)"),
            ])
            let value = try body()
            try connection.run([.commit])
            return value
        } catch {
            if !connection.isBroken { try connection.run([.rollback]) }
            throw error
        }
    }

    /// - Returns: false if it was applied before.
    private static func apply(
        _ migration: PostgresMigration, on connection: PostgresConnection, at time: WallTime
    ) throws(PostgresError) -> Bool {
        let checksum = SHA256Digest.hex(of: migration.text)
        let known = try connection.run(
            "SELECT \"Checksum\" FROM \"SchemaVersion\" WHERE \"Version\" = $1",
            .integer(migration.version)
        ).first?.text(0)
        if let known {
            if known == checksum { return false }
            throw otherForm(of: migration, connection.name)
        }
        try migration.apply(connection)
        try connection.run(
            """
            INSERT INTO "SchemaVersion" ("Version", "AppliedOn", "Description", "Checksum")
            VALUES ($1, $2, $3, $4)
            """,
            .integer(migration.version), .time(time), .text(migration.description),
            .text(checksum))
        CrashPoint.reach(.migrateMiddle)
        return true
    }

    private static func check(
        _ connection: PostgresConnection, against migrations: [PostgresMigration]
    ) throws(PostgresError) {
        let newest = migrations.last?.version ?? 0
        let hint = "run `contoso migrate --database URL`"
        let isThere = try connection.run("SELECT to_regclass('\"SchemaVersion\"') IS NOT NULL")
        guard isThere[0].boolean(0) else {
            throw PostgresError(kind: .failed, reason: "\(connection.name) has no schema: \(hint)")
        }
        let rows = try connection.run("SELECT \"Version\", \"Checksum\" FROM \"SchemaVersion\"")
        let known = Dictionary(
            rows.map { ($0.integer(0), $0.text(1)) }, uniquingKeysWith: { first, _ in first })
        if let last = known.keys.max(), last > newest {
            throw PostgresError(
                kind: .failed,
                reason: "\(connection.name) has schema \(last), made by a newer version of this "
                    + "program; this one knows \(newest): use that version, or name another "
                    + "database with --database")
        }
        for migration in migrations {
            guard let checksum = known[migration.version] else {
                throw PostgresError(
                    kind: .failed,
                    reason: "\(connection.name): schema \(known.keys.max() ?? 0) is old, this "
                        + "program needs \(newest): \(hint)")
            }
            if checksum != SHA256Digest.hex(of: migration.text) {
                throw otherForm(of: migration, connection.name)
            }
        }
    }

    private static func otherForm(
        of migration: PostgresMigration, _ name: String
    ) -> PostgresError {
        PostgresError(
            kind: .failed,
            reason: "\(name) has another form of migration \(migration.version) "
                + "(\(migration.description)); use the build that made it, or name another "
                + "database with --database")
    }

    // MARK: The database itself

    private static func connectOrCreate(
        _ options: PostgresOptions, deadline: MonotonicInstant
    ) throws(PostgresError) -> PostgresConnection {
        do { return try connect(options, deadline) } catch {
            guard error.kind == .unknownDatabase else { throw error }
        }
        let maintenance = try connect(options.with(database: "postgres"), deadline)
        maintenance.deadline = deadline
        do { try maintenance.execute("CREATE DATABASE \(quoted(options.database))") } catch {
            // Another migrator was faster: 42P04, or a duplicate in the server's own catalogue.
            guard error.kind == .duplicate || error.reason.contains("42P04") else { throw error }
        }
        return try connect(options, deadline)
    }

    /// The connect's own deadline is shorter than that of all steps.
    private static func connect(
        _ options: PostgresOptions, _ deadline: MonotonicInstant
    ) throws(PostgresError) -> PostgresConnection {
        let soon = SystemTime().monotonicNow.advanced(by: options.connectTimeout)
        let connection = try PostgresConnection(options, deadline: min(soon, deadline))
        connection.deadline = deadline
        return connection
    }

    /// As an SQL name: names take no parameters.
    private static func quoted(_ name: String) -> String {
        "\""
            + name.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
    }
}
