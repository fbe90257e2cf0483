import Loop
import Foundation
import Testing

@testable import Services

@Suite("SQLiteDatabase") struct SQLiteDatabaseTests {
    let temporary = TemporaryDatabase()

    @Test func `a transaction that throws leaves nothing behind`() throws {
        let database = try open()

        let result = Result { () throws(StoreError) in
            try database.write(.synced) { (connection) throws(StoreError) in
                try connection.run("INSERT INTO T (N, S) VALUES (1, 'x')")
                throw StoreError.failed("on purpose")
            }
        }

        #expect(throws: StoreError.self) { try result.get() }
        #expect(try count(database) == 0)
    }

    @Test func `values come back as they were bound, empty and zero bytes included`() throws {
        let database = try open()
        let texts = ["", "a\u{0}b", "Grüße 🙂", "'; DROP TABLE T; --"]

        let back = try database.write(.ordered) { (connection) throws(StoreError) -> [String] in
            for text in texts {
                try connection.run(
                    "INSERT INTO T (N, S, B) VALUES (?, ?, ?)", .integer(.min), .text(text),
                    .blob([0, 255]))
            }
            return try connection.rows("SELECT S FROM T ORDER BY rowid") { $0.text(0) }
        }

        #expect(back == texts)
        let row = try database.read { (connection) throws(StoreError) in
            try connection.first("SELECT N, B, S IS NULL FROM T") {
                Columns(n: $0.integer(0), b: $0.blob(1), isNull: $0.integer(2) != 0)
            }
        }
        #expect(row == Columns(n: .min, b: [0, 255], isNull: false))
    }

    @Test func `a reader keeps its snapshot while a writer commits`() throws {
        let database = try open()

        let counts = try database.read { (connection) throws(StoreError) -> [Int64] in
            let before = try connection.integer("SELECT count(*) FROM T")
            try database.write(.ordered) { (writer) throws(StoreError) in
                try writer.run("INSERT INTO T (N) VALUES (1)")
            }
            return [before, try connection.integer("SELECT count(*) FROM T")]
        }

        #expect(counts == [0, 0])
        #expect(try count(database) == 1)
    }

    @Test func `a second owner of the same file is refused, and welcome after the first is gone`()
        throws
    {
        var first: SQLiteDatabase? = try open()
        #expect(try #require(first).path == temporary.path)

        let error = #expect(throws: StoreError.self) { try SQLiteDatabase(path: temporary.path) }

        #expect(error?.reason.contains("is served by another process already") == true)
        first = nil
        _ = try SQLiteDatabase(path: temporary.path)
    }

    @Test
    func `a file that is no database is refused with a line that names it and says what to do`()
        throws
    {
        try Data(repeating: 0x41, count: 4096).write(to: URL(fileURLWithPath: temporary.path))

        let error = #expect(throws: StoreError.self) { try SQLiteDatabase(path: temporary.path) }

        let reason = try #require(error?.reason)
        #expect(reason.contains(temporary.path))
        #expect(reason.contains("restore it from a backup"))
        #expect(!reason.contains("\n"))
    }

    @Test func `a folder that does not exist is refused with a line that names it`() throws {
        let error = #expect(throws: StoreError.self) {
            try SQLiteDatabase(path: temporary.directory + "/none/orders.db")
        }

        #expect(error?.reason.contains("check that its folder exists") == true)
    }

    @Test func `result codes are sorted into what may pass and what will not`() {
        for code: Int32 in [5, 6, 10, 261] { #expect(isUnavailable(code), "code \(code)") }
        for code: Int32 in [11, 26, 13, 8, 19] { #expect(!isUnavailable(code), "code \(code)") }
    }

    @Test func `every file is opened at the start: later work takes no descriptor`() throws {
        let database = try open()
        let atStart = descriptorCount(of: temporary.path + "-wal")

        try readWithAllReaders(of: database, readerCount: SQLiteDatabase.Settings().readerCount)
        try database.write(.ordered) { (connection) throws(StoreError) in
            try connection.run("INSERT INTO T (N) VALUES (1)")
        }
        try database.checkpoint()

        // The writer, the checkpointer, the sync, and the readers.
        #expect(atStart == 3 + SQLiteDatabase.Settings().readerCount)
        #expect(descriptorCount(of: temporary.path + "-wal") == atStart)
    }

    /// Reads inside each other, so that each read needs a connection of its own.
    private func readWithAllReaders(of database: SQLiteDatabase, readerCount: Int)
        throws(StoreError)
    {
        guard readerCount > 0 else { return }
        try database.read { (connection) throws(StoreError) in
            _ = try connection.integer("SELECT count(*) FROM T")
            try readWithAllReaders(of: database, readerCount: readerCount - 1)
        }
    }

    /// How many descriptors of this process are open on `path`.
    private func descriptorCount(of path: String) -> Int {
        let directory = "/proc/self/fd"
        let path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.count {
            // Others of the process come and go meanwhile.
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)"))
                == path
        }
    }

    @Test func `eight threads write without losing a row or meeting a busy error`() throws {
        let database = try open()

        let failures = Monitor(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<50 {
                do {
                    try database.write(.ordered) { (connection) throws(StoreError) in
                        try connection.run("INSERT INTO T (N) VALUES (1)")
                    }
                } catch { failures.withLock { $0 += 1 } }
            }
        }

        #expect(failures.withLock { $0 } == 0)
        #expect(try count(database) == 400)
    }

    private struct Columns: Equatable {
        let n: Int64
        let b: [UInt8]
        let isNull: Bool
    }

    @Test func `a log that always has a writer stays bounded`() throws {
        var settings = SQLiteDatabase.Settings()
        settings.isSynced = false
        settings.checkpointPageCount = 8
        settings.logPageCountMax = 64
        let database = try SQLiteDatabase(path: temporary.path, settings: settings)
        try database.write(.ordered) { (connection) throws(StoreError) in
            try connection.execute("CREATE TABLE T (N INTEGER, S TEXT, B BLOB)")
        }
        for number in 0..<1000 {
            try database.write(.ordered) { (connection) throws(StoreError) in
                try connection.run(
                    "INSERT INTO T (N, B) VALUES (?, ?)", .integer(Int64(number)),
                    .blob([UInt8](repeating: 1, count: 4096)))
            }
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: temporary.path + "-wal")
        let byteCount = try #require(attributes[.size] as? Int)
        // Each write is some four pages; without a bound they would be 16 MB.
        #expect(byteCount < 1_000_000)
        #expect(try count(database) == 1000)
    }

    @Test func `who writes synced at the same time is told, each of them`() throws {
        let database = try SQLiteDatabase(path: temporary.path)
        try database.write(.synced) { (connection) throws(StoreError) in
            try connection.execute("CREATE TABLE T (N INTEGER, S TEXT, B BLOB)")
        }
        let told = Monitor(0)
        let threads = (0..<4).map { _ in
            NativeThread(name: "writer") {
                for number in Int64(0)..<10 {
                    let result = Result { () throws(StoreError) in
                        try database.write(.synced) { (connection) throws(StoreError) in
                            try connection.run("INSERT INTO T (N) VALUES (?)", .integer(number))
                            if number % 5 == 4 { throw StoreError.failed("on purpose") }
                        }
                        try database.waitUntilReadIsSafe()
                    }
                    if case .success = result { told.update { $0 += 1 } }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(told.withLock { $0 } == 32)
        #expect(try count(database) == 32)
    }

    private func open() throws(StoreError) -> SQLiteDatabase {
        let database = try temporary.open(migrated: false)
        try database.write(.ordered) { (connection) throws(StoreError) in
            try connection.execute("CREATE TABLE T (N INTEGER, S TEXT, B BLOB)")
        }
        return database
    }

    private func count(_ database: SQLiteDatabase) throws(StoreError) -> Int64 {
        try database.read { (connection) throws(StoreError) in
            try connection.integer("SELECT count(*) FROM T")
        }
    }

    private func isUnavailable(_ code: Int32) -> Bool {
        if case .unavailable = StoreError.sqlite(code: code, detail: "", path: "p") {
            true
        } else {
            false
        }
    }
}
