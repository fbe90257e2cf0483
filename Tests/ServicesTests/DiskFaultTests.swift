import Faults
import Foundation
import Loop
import Testing

@testable import Services

/// A disk that fails is told to whoever waits for it, and nothing is promised that it has not kept.
@Suite("Disk faults") struct DiskFaultTests {
    private let temporary = TemporaryDatabase()
    private let plan = FaultPlan()

    private func insert(into database: SQLiteDatabase) throws(StoreError) {
        try database.write(.synced) { (connection) throws(StoreError) in
            try connection.run("INSERT INTO T (N) VALUES (1)")
        }
    }

    private func open() throws(StoreError) -> SQLiteDatabase {
        let database = try SQLiteDatabase(path: temporary.path)
        try database.write(.ordered) { (connection) throws(StoreError) in
            try connection.run("CREATE TABLE IF NOT EXISTS T (N INTEGER)")
        }
        return database
    }

    @Test(arguments: [EIO, ENOSPC, EDQUOT])
    func `after a sync that failed no commit is called safe any more`(code: Int32) throws {
        let database = try open()
        try insert(into: database)
        #expect(database.disk?.isUp == true)

        plan.arm(.fdatasync, .fails(code))
        plan.watch()
        defer { FaultPlan.unwatch() }
        // The second sync would succeed: the kernel has forgotten the pages that it could not write.
        for _ in 0..<3 {
            let error = #expect(throws: StoreError.self) { try insert(into: database) }
            guard case .unavailable(let reason) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(reason.contains("start the server again"))
        }
        #expect(throws: StoreError.self) { try database.waitUntilReadIsSafe() }
        #expect(plan.hitCount == 1)
        #expect(database.disk?.isUp == false)
    }

    @Test func `a database opened anew after a failed sync commits again`() throws {
        do {
            let database = try open()
            plan.arm(.fdatasync, .fails(EIO))
            #expect(throws: StoreError.self) {
                try plan.watching { try insert(into: database) }
            }
        }
        let again = try open()
        try insert(into: again)
        try again.waitUntilReadIsSafe()
    }

    @Test func `a sync that a signal interrupts is made again`() throws {
        let database = try open()
        plan.arm(.fdatasync, .fails(EINTR), times: 3)
        try plan.watching { try insert(into: database) }
        #expect(plan.hitCount == 3)
    }

    @Test func `a settings file is read through interruptions and in small pieces`() throws {
        let path = temporary.directory + "/settings.json"
        try Data("{\"a\": 1}".utf8).write(to: URL(filePath: path))
        plan.arm(.read, .fails(EINTR))
        plan.arm(.read, .moves(1), nth: 2, times: 5)

        let text = plan.watching { FileAccess.read(path) }

        #expect((try? text.get()) == "{\"a\": 1}")
        #expect(plan.hitCount == 6)
        #expect(plan.openDescriptorCount == 0)
    }

    @Test(arguments: [(SystemCall.open, EMFILE), (.open, EACCES), (.read, EIO), (.read, EISDIR)])
    func `a settings file that cannot be read says why and leaves no descriptor`(
        call: SystemCall, code: Int32
    ) throws {
        let path = temporary.directory + "/settings.json"
        try Data("{}".utf8).write(to: URL(filePath: path))
        plan.arm(call, .fails(code))

        let result = plan.watching { FileAccess.read(path) }

        guard case .failure(let error) = result else {
            Issue.record("it was read")
            return
        }
        #expect(error.reason == String(cString: strerror(code)))
        #expect(plan.openDescriptorCount == 0)
    }
}
