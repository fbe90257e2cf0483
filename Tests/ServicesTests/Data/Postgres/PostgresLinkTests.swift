import Loop
import Synchronization
import TestSupport
import Testing

@testable import Services

/// What the store does when the way to the server is bad.
@Suite("PostgresOrderStore: link", .enabled(if: TestPostgres.isAvailable))
struct PostgresLinkTests {
    let database: TestDatabase
    let link: FaultyLink
    let time = SystemTime()

    init() throws {
        database = try TestDatabase()
        let port = try #require(UInt16(database.options.parameters["port"] ?? "5432"))
        link = try FaultyLink(to: port)
    }

    @Test func `a server that falls silent costs one call its deadline, those behind it nothing`()
        throws
    {
        let test = try store { $0.callTimeout = .milliseconds(500) }
        try test.store.ping()
        #expect(test.store.status.isUp)
        link.set(.stalled)

        let first = measure { #expect(unavailable { try test.store.ping() }) }
        let rest = measure {
            for _ in 0..<100 { #expect(unavailable { try test.store.ping() }) }
        }

        #expect(first >= .milliseconds(450))
        // A hundred deadlines would be 50 s.
        #expect(rest < .seconds(10))
        #expect(!test.store.status.isUp)
        link.set(.passing)
        try waitUntilUp(test)
    }

    @Test func `a server that is gone is unavailable, and used again when it is back`() throws {
        let test = try store()
        try test.store.ping()
        link.set(.cut)

        while !unavailable({ try test.store.ping() }) {}
        let refusals = measure {
            for _ in 0..<100 { #expect(unavailable { try test.store.ping() }) }
        }
        #expect(refusals < .seconds(10))
        #expect(!test.store.status.isUp)
        #expect(test.store.status.lossCount.load(ordering: .relaxed) >= 1)

        link.set(.passing)
        try waitUntilUp(test)
        #expect(try test.store.accept([.sample(1)])[0].order != nil)
    }

    @Test func `an order whose commit's answer was lost is found by its repeat`() throws {
        let test = try store { $0.connectionCountMax = 1 }
        link.set(.answerLost(after: Array("COMMIT".utf8)))

        #expect(unavailable { try test.store.accept([.sample(1, key: "k")]) })
        #expect(link.biteCount == 1)
        link.set(.passing)
        try waitUntilUp(test)
        let order = try test.store.accept([.sample(1, key: "k")])[0].order

        #expect(order?.id == 21)
        #expect(try test.store.orderState(.numbered(1))?.id == 21)
        #expect(try test.store.outboxDepth() == 1)
    }

    @Test func `a completion whose commit's answer was lost is repeated without harm`() throws {
        let test = try store { $0.connectionCountMax = 1 }
        let direct = database.store()
        _ = try direct.store.accept([.sample(1)])
        link.set(.answerLost(after: Array("COMMIT".utf8)))

        #expect(unavailable { try test.store.complete([.sample(1)], at: FakeClock().wallNow) })
        link.set(.passing)
        try waitUntilUp(test)

        #expect(
            try test.store.complete([.sample(1)], at: FakeClock().wallNow)
                == [.repeated(orderID: 21)])
    }

    @Test func `a store whose server is away from the start begins when it comes`() throws {
        link.set(.cut)
        let test = try store()
        #expect(unavailable { try test.store.ping() })
        #expect(!test.store.status.isUp)

        link.set(.passing)
        try waitUntilUp(test)
        #expect(test.store.status.isUp)
    }

    @Test func `an idle store notices that its server is gone`() throws {
        let test = try store { $0.probeInterval = .milliseconds(20) }
        try test.store.ping()
        link.set(.cut)

        try waitUntil { !test.store.status.isUp }
    }

    @Test func `an idle store notices that its server is silent`() throws {
        let test = try store {
            $0.probeInterval = .milliseconds(20)
            $0.callTimeout = .milliseconds(300)
        }
        try waitUntilUp(test)
        link.set(.stalled)

        try waitUntil { !test.store.status.isUp }
        link.set(.passing)
        try waitUntil { test.store.status.isUp }
    }

    @Test func `sessions are replaced when they are old`() throws {
        let test = try store { $0.lifetime = .milliseconds(200) }
        let session = {
            try test.store.pool.call { (session) throws(PostgresError) in
                try session.run("SELECT pg_backend_pid()::bigint")[0].integer(0)
            }
        }
        let first = try session()

        var latest = first
        let end = time.monotonicNow + .seconds(60)
        while latest == first, time.monotonicNow < end { latest = try session() }

        #expect(latest != first)
    }

    @Test func `what a burst has opened is closed when nobody wants it, except one session`() throws
    {
        let test = try store {
            $0.probeInterval = .milliseconds(20)
            $0.idleTimeout = .milliseconds(200)
        }
        let pool = test.store.pool
        // Calls inside each other need a session each.
        func burst(_ count: Int) throws(PostgresError) -> Int {
            guard count > 0 else { return pool.sessions.openCount }
            return try pool.call { (_) throws(PostgresError) in try burst(count - 1) }
        }
        #expect(try burst(5) == 5)

        try waitUntil { pool.sessions.openCount == 1 }
        try test.store.ping()
        #expect(pool.sessions.openCount == 1)
    }

    @Test func `a closed store refuses`() throws {
        let test = try store()
        try test.store.ping()
        test.store.close()
        #expect(unavailable { try test.store.ping() })
    }

    // MARK: Helping hands

    /// A store that goes through the link.
    private func store(
        _ change: (inout PostgresPool.Settings) -> Void = { _ in }
    ) throws -> TestStore {
        var options = database.options
        options.parameters["port"] = "\(link.port)"
        var settings = PostgresOrderStore.Settings()
        settings.pool.callTimeout = .seconds(20)
        settings.pool.firstPause = .milliseconds(10)
        settings.pool.longestPause = .milliseconds(50)
        change(&settings.pool)
        return TestStore(
            PostgresOrderStore(options: options, settings: settings), database: database)
    }

    private func waitUntilUp(_ test: TestStore) throws {
        try waitUntil { !unavailable { try test.store.ping() } }
    }

    private func waitUntil(_ condition: () -> Bool) throws {
        let end = time.monotonicNow + .seconds(60)
        while !condition() {
            try #require(time.monotonicNow < end, "did not happen within a minute")
        }
    }

    private func measure(_ body: () -> Void) -> Duration {
        let start = time.monotonicNow
        body()
        return start.duration(to: time.monotonicNow)
    }
}
