// SQLiteDatabase: one write connection behind a lock, and a few read connections.
//
//   write { … } ──▶ lock ──▶ BEGIN IMMEDIATE … COMMIT ──▶ unlock ──▶ (SQLiteLog: sync)
//   read  { … } ──▶ pool ──▶ BEGIN … COMMIT                          a snapshot; never waits for writes
//
// One writes at a time; write-ahead logging lets readers go on meanwhile. Commits stand in one log, so
// a commit that was synced makes all commits before it safe: work that may be repeated (an ack) can
// commit without a sync of its own and still never overtakes what it depends on. The lock is not held
// for the disk: a commit may be seen by others before it is safe, but whoever asked for it to be
// synced is not told before.
//
// Thread: any worker thread; calls block.  Source: https://www.sqlite.org/wal.html

import CSQLite
import Loop
import Synchronization

/// What a commit waits for.
enum Durability: Sendable {
    /// The disk: it survives a loss of power.
    case synced
    /// The operating system: it survives kill -9; a loss of power may take it and all later ones.
    case ordered
}

public final class SQLiteDatabase: Sendable {
    public struct Settings: Sendable {
        /// False never waits for the disk: for tests and demonstrations only.
        public var isSynced = true
        /// How long a statement waits for a lock of another process (a backup, a shell).
        public var busyTimeout: Duration = .seconds(5)
        /// Read connections; further readers wait for one.
        public var readerCount = 3
        /// Files up to this many bytes are checked from end to end when they are opened; larger ones
        /// would hold up the start (some 1 s per GiB).
        public var checkedByteCountMax: Int64 = 1 << 30
        /// The log's pages (4 KiB) at each multiple of which it is moved into the file, beside the
        /// writers; as often as SQLite itself does it.
        public var checkpointPageCount = 1000
        /// A log that has grown to this many pages is moved by the writer, with the lock held: only
        /// without any writer can it begin anew.
        public var logPageCountMax = 16_384
        /// Refuse a file that another process serves. Tools that only look may turn it off.
        public var isExclusive = true
        public init() {}
    }

    private struct Writer: Sendable {
        let connection: SQLiteConnection
        /// The log's length at which the checkpointer was woken last.
        var wokenAtPageCount = 0
    }

    public let path: String
    private let settings: Settings
    private let lock: DatabaseLock?
    private let writer: Mutex<Writer>
    /// Both nil for a database in memory.
    private let log: SQLiteLog?
    private let checkpointer: SQLiteCheckpointer?
    /// Nil for a database in memory, which only the write connection can see.
    private let readers: Monitor<[SQLiteConnection]>?

    /// Opens or creates the file. `path` may be ":memory:".
    ///
    /// Fails with one clear line for a file that is damaged, unreadable or served by another process.
    public init(path: String, settings: Settings = Settings()) throws(StoreError) {
        precondition(settings.readerCount > 0)
        self.path = path
        self.settings = settings
        let isInMemory = path == ":memory:"
        lock = settings.isExclusive && !isInMemory ? try DatabaseLock(database: path) : nil
        let connection = try SQLiteConnection(
            path: path, readOnly: false, busyTimeout: settings.busyTimeout)
        try Self.checkIntegrity(of: connection, settings)
        try connection.run("PRAGMA journal_mode = WAL")
        try connection.run("PRAGMA foreign_keys = ON")
        // After a burst the log file shrinks back to 64 MiB.
        try connection.run("PRAGMA journal_size_limit = 67108864")
        try connection.run("PRAGMA synchronous = NORMAL")
        writer = Mutex(Writer(connection: connection))
        if isInMemory {
            readers = nil
            log = nil
            checkpointer = nil
        } else {
            try connection.openLog()
            connection.takeOverCheckpoints()
            log = try SQLiteLog(of: path)
            checkpointer = try SQLiteCheckpointer(path: path, busyTimeout: settings.busyTimeout)
            var pool: [SQLiteConnection] = []
            for _ in 0..<settings.readerCount {
                let reader = try SQLiteConnection(
                    path: path, readOnly: true, busyTimeout: settings.busyTimeout)
                try reader.openLog()
                pool.append(reader)
            }
            readers = Monitor(pool)
        }
    }

    /// Down once a sync has failed, until the process is started again; nil for a database in memory.
    public var disk: LinkStatus? { log?.disk }

    /// A damaged file is better found now than by the first order that touches the damage.
    private static func checkIntegrity(
        of connection: SQLiteConnection, _ settings: Settings
    ) throws(StoreError) {
        let byteCount =
            try connection.integer("PRAGMA page_count")
            * (try connection.integer("PRAGMA page_size"))
        guard byteCount <= settings.checkedByteCountMax else { return }
        let finding = try connection.first("PRAGMA quick_check(1)") { $0.text(0) }
        if let finding, finding != "ok" {
            throw .sqlite(code: SQLITE_CORRUPT, detail: finding, path: connection.path)
        }
    }

    /// Moves everything from the log into the database file, so that the file alone is whole: for a
    /// clean stop, and for those who copy it. Readers or writers at work leave a rest in the log.
    public func checkpoint() throws(StoreError) {
        try writer.withLock { (writer) throws(StoreError) in
            try writer.connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    /// Runs `body` in a write transaction; its effects are there for all once this returns, and for
    /// none if `body` throws. If the disk fails, they may be there although this throws.
    func write<Value: Sendable>(
        _ durability: Durability, _ body: (SQLiteConnection) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let isOwed = durability == .synced && settings.isSynced
        let (value, commit) = try writer.withLock {
            (writer) throws(StoreError) -> (Value, UInt64?) in
            let connection = writer.connection
            let commit = log?.begin(isOwed: isOwed)
            defer { log?.end() }
            let value = try connection.transaction(begin: "BEGIN IMMEDIATE") {
                () throws(StoreError) -> Value in try body(connection)
            }
            boundLog(&writer)
            return (value, commit)
        }
        if isOwed, let log, let commit { try log.waitUntilSynced(commit) }
        return value
    }

    /// Waits until what a reader may have seen of synced writes is safe. Usually it is.
    func waitUntilReadIsSafe() throws(StoreError) { try log?.waitUntilNothingIsOwed() }

    private func boundLog(_ writer: inout Writer) {
        let pageCount = writer.connection.logPageCount
        if pageCount < writer.wokenAtPageCount { writer.wokenAtPageCount = 0 }
        guard pageCount - writer.wokenAtPageCount >= settings.checkpointPageCount else { return }
        writer.wokenAtPageCount = pageCount
        if pageCount < settings.logPageCountMax {
            checkpointer?.wake()
        } else {
            // As after a checkpoint of SQLite's own the commit stands, whatever becomes of this.
            checkpointer?.checkpoint(on: writer.connection)
        }
    }

    /// Runs `body` on a snapshot that no write can change under it.
    func read<Value: Sendable>(
        _ body: (SQLiteConnection) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        guard let readers else {
            return try writer.withLock { (writer) throws(StoreError) -> Value in
                try body(writer.connection)
            }
        }
        guard let connection = readers.wait(atMost: settings.busyTimeout, { $0.popLast() }) else {
            throw .unavailable("database '\(path)': all read connections are busy")
        }
        defer { readers.update { $0.append(connection) } }
        return try connection.transaction(begin: "BEGIN") { () throws(StoreError) -> Value in
            try body(connection)
        }
    }
}
