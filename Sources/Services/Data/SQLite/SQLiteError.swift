// SQLiteError: SQLite's result codes, sorted once into the two kinds of StoreError.
//
//   unavailable   the same call may succeed later: busy, locked, I/O error, no descriptor
//   failed        it will not: corrupt file, full disk, read-only file, a broken constraint (our bug)
//
// Thread: pure functions.  Source: https://www.sqlite.org/rescode.html

import CSQLite

extension StoreError {
    /// - Parameters:
    ///   - code: a result code, extended or not.
    ///   - detail: `sqlite3_errmsg` of the connection.
    ///   - path: the database file, for the operator.
    static func sqlite(code: Int32, detail: String, path: String) -> StoreError {
        let name = "database '\(path)'"
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            return .unavailable("\(name) is locked by another process: \(detail)")
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PROTOCOL, SQLITE_NOMEM, SQLITE_INTERRUPT:
            return .unavailable("\(name) cannot be read or written: \(detail)")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return .failed(
                "\(name) is damaged or is not a SQLite database (\(detail)); "
                    + "restore it from a backup, or move it away to start with an empty one")
        case SQLITE_FULL:
            return .failed("\(name): the disk is full; free space and start again")
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
            return .failed(
                "\(name) is not writable (\(detail)); "
                    + "give this user write access to the file and its folder")
        default:
            return .failed("\(name): \(detail) (SQLite code \(code))")
        }
    }

    /// The text alone, for logs.
    public var reason: String {
        switch self {
        case .unavailable(let text), .failed(let text): text
        }
    }
}
