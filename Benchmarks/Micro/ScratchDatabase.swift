// ScratchDatabase: an order store of a benchmark's own, gone with it.
//
// Thread: one.  Allocates: what SQLite needs.

import Glibc
import Loop
import Services

final class ScratchDatabase {
    let store: SQLiteOrderStore
    /// Nil for a database in memory.
    private let directory: String?

    private static let fileName = "orders.db"

    /// - Parameter isFile: a file below `TMPDIR`, as durable as the program's; else in memory.
    init(isFile: Bool) throws {
        directory = isFile ? try Self.makeDirectory() : nil
        let database = try SQLiteDatabase(
            path: directory.map { "\($0)/\(Self.fileName)" } ?? ":memory:")
        try database.migrate()
        store = SQLiteOrderStore(database: database)
    }

    deinit {
        guard let directory else { return }
        // The database is still open, and its files go when it closes them. What cannot be removed
        // stays behind and harms nobody.
        for suffix in ["", "-wal", "-shm", ".lock"] {
            unlink("\(directory)/\(Self.fileName)\(suffix)")
        }
        rmdir(directory)
    }

    private static func makeDirectory() throws(SystemError) -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((parent + "/bench-micro-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(code: errno, call: "mkdtemp") }
        return String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
