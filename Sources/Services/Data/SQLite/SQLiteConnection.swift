// SQLiteConnection: one connection with its prepared statements; typed values in, typed columns out.
//
//   run / first / rows (SQL, values…)  ──▶ prepare once ──▶ bind ──▶ step … ──▶ Row ──▶ reset
//
// SQL is a StaticString: a value can reach a statement by binding only, never by concatenation, and
// the literal's address is the key of the statement cache.
//
// Thread: one at a time; SQLiteDatabase lends it out.  Allocates: per statement text, once.
// Source: https://www.sqlite.org/c3ref/intro.html

import CSQLite
import Loop

/// A value bound to a `?`.
enum SQLValue: Sendable {
    case integer(Int64), text(String), blob([UInt8]), null

    /// NULL for nil.
    static func optional(_ text: String?) -> Self { text.map { .text($0) } ?? .null }
}

// @unchecked: SQLiteDatabase hands a connection to one thread at a time, under its lock.
final class SQLiteConnection: @unchecked Sendable {
    let path: String
    private let handle: OpaquePointer
    /// Written by SQLite's hook with each commit of ours; nil without a hook.
    private var logPages: UnsafeMutablePointer<Int32>?
    private var statements: [UInt: OpaquePointer] = [:]

    /// - Parameter busyTimeout: how long a statement waits for another process's lock.
    init(path: String, readOnly: Bool, busyTimeout: Duration) throws(StoreError) {
        var opened: OpaquePointer?
        let access = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        // NOMUTEX: the database's own lock already keeps threads apart.
        let code = sqlite3_open_v2(
            path, &opened, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let opened else {
            throw .unavailable("database '\(path)' cannot be opened: out of memory")
        }
        guard code == SQLITE_OK else {
            let detail = String(cString: sqlite3_errmsg(opened))
            sqlite3_close_v2(opened)
            if code & 0xFF == SQLITE_CANTOPEN {
                throw .failed(
                    "database '\(path)' cannot be opened (\(detail)); "
                        + "check that its folder exists and that this user may write there")
            }
            throw .sqlite(code: code, detail: detail, path: path)
        }
        self.path = path
        handle = opened
        sqlite3_busy_timeout(handle, Int32(clamping: busyTimeout.milliseconds))
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
        logPages?.deallocate()
    }

    /// Opens (the write connection: makes) the log's files now. Otherwise the first statement that
    /// reads would, perhaps days later and with no descriptor left.
    func openLog() throws(StoreError) {
        _ = try integer("SELECT count(*) FROM sqlite_schema")
    }

    /// Has the log's pages counted instead of moved into the file by the commit that makes it too
    /// long.
    func takeOverCheckpoints() {
        let pages = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        pages.initialize(to: 0)
        logPages = pages
        _ = sqlite3_wal_hook(
            handle,
            { context, _, _, pageCount in
                context!.assumingMemoryBound(to: Int32.self).pointee = pageCount
                return SQLITE_OK
            }, pages)
    }

    /// Pages in the log after the last commit of this connection.
    var logPageCount: Int { Int(logPages?.pointee ?? 0) }

    var lastInsertedID: Int64 { sqlite3_last_insert_rowid(handle) }
    /// Rows the latest INSERT, UPDATE or DELETE changed, those by triggers not counted.
    var changedRowCount: Int { Int(sqlite3_changes(handle)) }

    /// Runs several statements that take no values.
    func execute(_ script: StaticString) throws(StoreError) {
        let code = sqlite3_exec(
            handle, UnsafeRawPointer(script.utf8Start).assumingMemoryBound(to: CChar.self), nil,
            nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// Runs a statement to its end and drops its rows.
    func run(_ sql: StaticString, _ values: SQLValue...) throws(StoreError) {
        _ = try step(sql, values, max: .max, read: { _ in })
    }

    /// The first row, or nil.
    func first<Value>(
        _ sql: StaticString, _ values: SQLValue..., read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        try step(sql, values, max: 1, read: read).first
    }

    /// All rows. `read` must not use the connection: the statement is still running.
    func rows<Value>(
        _ sql: StaticString, _ values: SQLValue..., read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        try step(sql, values, max: .max, read: read)
    }

    /// The first column of the first row of a statement that always has one.
    func integer(_ sql: StaticString, _ values: SQLValue...) throws(StoreError) -> Int64 {
        try step(sql, values, max: 1, read: { $0.integer(0) })[0]
    }

    /// Runs `body` in a transaction; rolls back if it throws or if the commit fails.
    func transaction<Value>(
        begin: StaticString, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try run(begin)
        do {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            // Some errors end the transaction by themselves (full disk); if the rollback fails, the
            // connection is broken and the next BEGIN says so. The first error is the one to tell.
            if sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
            throw error
        }
    }

    private func step<Value>(
        _ sql: StaticString, _ values: [SQLValue], max: Int,
        read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        let statement = try prepared(sql)
        assert(sqlite3_stmt_busy(statement) == 0, "a statement is used inside its own rows")
        assert(Int(sqlite3_bind_parameter_count(statement)) == values.count)
        defer { sqlite3_reset(statement) }
        for (index, value) in values.enumerated() {
            try bind(value, to: Int32(index + 1), of: statement)
        }
        var result: [Value] = []
        while result.count < max {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { break }
            guard code == SQLITE_ROW else { throw failure(code) }
            result.append(try read(Row(statement: statement)))
        }
        return result
    }

    private func prepared(_ sql: StaticString) throws(StoreError) -> OpaquePointer {
        let key = UInt(bitPattern: sql.utf8Start)
        if let statement = statements[key] { return statement }
        var statement: OpaquePointer?
        let text = UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self)
        let code = sqlite3_prepare_v3(
            handle, text, Int32(sql.utf8CodeUnitCount), UInt32(SQLITE_PREPARE_PERSISTENT),
            &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code) }
        statements[key] = statement
        return statement
    }

    private func bind(_ value: SQLValue, to index: Int32, of statement: OpaquePointer)
        throws(StoreError)
    {
        let code: Int32
        switch value {
        case .integer(let number): code = sqlite3_bind_int64(statement, index, number)
        // An empty buffer may have no address, and SQLite takes no address for NULL.
        case .text(""): code = csqlite_bind_text(statement, index, "", 0)
        case .text(var text):
            code = text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    csqlite_bind_text(statement, index, $0.baseAddress, Int32($0.count))
                }
            }
        case .blob(let bytes):
            code = bytes.withUnsafeBytes {
                $0.isEmpty
                    ? sqlite3_bind_zeroblob(statement, index, 0)
                    : csqlite_bind_blob(statement, index, $0.baseAddress, Int32($0.count))
            }
        case .null: code = sqlite3_bind_null(statement, index)
        }
        guard code == SQLITE_OK else { throw failure(code) }
    }

    private func failure(_ code: Int32) -> StoreError {
        .sqlite(code: code, detail: String(cString: sqlite3_errmsg(handle)), path: path)
    }
}

/// The current row of a running statement; valid inside the closure that gets it.
struct Row {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(statement, column) == SQLITE_NULL
    }
    func integerOrNil(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
    func textOrNil(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
        let count = Int(sqlite3_column_bytes(statement, column))
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
