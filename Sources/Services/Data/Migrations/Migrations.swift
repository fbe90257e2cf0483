// Migrations: brings a database to the schema of this build, forward only.
//
//   version in SchemaVersion   same checksum   ──▶ done before
//                              other checksum  ──▶ refused: the file does not fit this build
//   version not in it          BEGIN IMMEDIATE ──▶ look again ──▶ apply ──▶ note ──▶ COMMIT
//
// The second look happens under the write lock: of two processes that start at once, one applies
// and the other finds it done.
//
// Thread: start-up.  Allocates: freely.

import Loop

/// One step of the schema. A released one never changes again.
struct Migration: Sendable {
    let version: Int64
    let description: String
    /// All that decides what the step does; its digest is kept with the version.
    let text: String
    let apply: @Sendable (SQLiteConnection) throws(StoreError) -> Void

    static let all = [
        Migration(
            version: 1, description: "Schema", text: Schema.script.description,
            apply: { (connection) throws(StoreError) in try connection.execute(Schema.script) }),
        Migration(
            version: 2, description: "Seed", text: Seed.text,
            apply: { (connection) throws(StoreError) in try SQLiteSeed.insert(into: connection) }),
    ]
}

extension SQLiteDatabase {
    /// Applies what is missing, each step in a transaction of its own.
    ///
    /// - Returns: the versions that this call applied.
    /// - Throws: also if the file was made by a newer build or by other text of the same version.
    @discardableResult
    public func migrate(at time: WallTime = SystemTime().wallNow) throws(StoreError) -> [Int64] {
        try migrate(Migration.all, at: time)
    }

    func migrate(_ migrations: [Migration], at time: WallTime) throws(StoreError) -> [Int64] {
        try write(.synced) { (connection) throws(StoreError) in
            try connection.execute(
                """
                CREATE TABLE IF NOT EXISTS SchemaVersion (
                    Version INTEGER NOT NULL, AppliedOn INTEGER, Description TEXT,
                    Checksum TEXT NOT NULL);
                CREATE UNIQUE INDEX IF NOT EXISTS UX_SchemaVersion_Version
                    ON SchemaVersion (Version);
                """)
        }
        var applied: [Int64] = []
        for migration in migrations {
            let isNew = try write(.synced) { (connection) throws(StoreError) -> Bool in
                try apply(migration, on: connection, at: time)
            }
            if isNew { applied.append(migration.version) }
        }
        let newest = try write(.ordered) { (connection) throws(StoreError) -> Int64 in
            try connection.integer("SELECT coalesce(max(Version), 0) FROM SchemaVersion")
        }
        if newest > migrations.last?.version ?? 0 {
            throw .failed("database '\(path)' was made by a newer version of this program")
        }
        return applied
    }

    /// - Returns: false if it was applied before.
    private func apply(
        _ migration: Migration, on connection: SQLiteConnection, at time: WallTime
    ) throws(StoreError) -> Bool {
        let checksum = SHA256Digest.hex(of: migration.text)
        let known = try connection.first(
            "SELECT Checksum FROM SchemaVersion WHERE Version = ?", .integer(migration.version)
        ) { $0.text(0) }
        if let known {
            if known == checksum { return false }
            throw .failed(
                "database '\(path)' has another form of migration \(migration.version) "
                    + "(\(migration.description)); use the build that made it or a new file")
        }
        try migration.apply(connection)
        try connection.run(
            "INSERT INTO SchemaVersion (Version, AppliedOn, Description, Checksum) VALUES (?, ?, ?, ?)",
            .integer(migration.version), .integer(time.microseconds),
            .text(migration.description), .text(checksum))
        CrashPoint.reach(.migrateMiddle)
        return true
    }
}
