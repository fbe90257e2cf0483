import Dispatch
import Loop
import TestSupport
import Testing

@testable import Services

/// Several processes, here several stores, on one database.
@Suite("PostgresOrderStore: shared", .enabled(if: TestPostgres.isAvailable))
struct PostgresSharingTests {
    let clock = FakeClock()

    @Test func `two relays never hold the same row, and each gets its own again at once`() throws {
        let database = try TestDatabase()
        let (a, b) = (database.store(), database.store())
        _ = try a.store.accept((1...5).map { .sample($0) })

        let first = try a.store.outbox(limit: 2)
        let others = try b.store.outbox(limit: 9)

        #expect(first.map(\.correlation) == [.numbered(1), .numbered(2)])
        #expect(others.map(\.correlation) == [.numbered(3), .numbered(4), .numbered(5)])
        #expect(try a.store.outbox(limit: 9) == first)
        #expect(try a.store.outboxDepth() == 5)
    }

    @Test func `rows of a relay that is gone pass to another one when the lease ends`() throws {
        let database = try TestDatabase()
        let gone = database.store { $0.outboxLease = .zero }
        let next = database.store()
        _ = try gone.store.accept([.sample(1)])

        let leased = try gone.store.outbox(limit: 9)
        let taken = try next.store.outbox(limit: 9)

        #expect(leased == taken && taken.count == 1)
        #expect(try gone.store.outbox(limit: 9) == [])
    }

    @Test func `of many uses of one key at once, one makes the order and all get it`() throws {
        let database = try TestDatabase()
        let stores = [database.store(), database.store()]

        for round in UInt64(0)..<5 {
            let outcomes = try inParallel(8) { number in
                let request = AcceptRequest.sample(
                    100 * round + UInt64(number), user: "racer", key: "key \(round)")
                return try stores[number % 2].store.accept([request])[0]
            }

            let accepted = outcomes.filter { if case .accepted = $0 { true } else { false } }
            #expect(accepted.count == 1)
            #expect(Set(outcomes.compactMap(\.order?.id)).count == 1)
        }
        #expect(try stores[0].store.orders(of: "racer", offset: 0, size: 9).total == 5)
        #expect(try stores[0].store.outboxDepth() == 5)
    }

    @Test func `a correlation that is still being committed elsewhere is the same order`() throws {
        let database = try TestDatabase()
        let stores = [database.store(), database.store()]

        let outcomes = try inParallel(8) { number in
            try stores[number % 2].store.accept([.sample(1)])[0]
        }

        #expect(Set(outcomes.compactMap(\.order?.id)).count == 1)
        #expect(try stores[0].store.outboxDepth() == 1)
    }

    @Test func `the first orders of new users at once are one customer each`() throws {
        let database = try TestDatabase()
        let stores = [database.store(), database.store()]

        // The same users in different order, so that a lock order of the batch's would deadlock.
        let outcomes = try inParallel(6) { number in
            let users = ["n1", "n2", "n3", "n4"]
            let batch = (number % 2 == 0 ? users : users.reversed()).enumerated()
            return try stores[number % 2].store.accept(
                batch.map { .sample(UInt64(10 * number + $0.offset), user: $0.element) })
        }

        #expect(outcomes.joined().compactMap(\.order).count == 24)
        #expect(try stores[0].store.orders(of: "n1", offset: 0, size: 9).total == 6)
        let customers = try database.connect().run("SELECT count(*) FROM \"Customer\"")
        #expect(customers[0].integer(0) == 14)
    }

    @Test func `one foreign event at two consumers is one order, and no error`() throws {
        let database = try TestDatabase()
        let stores = [database.store(), database.store()]

        let outcomes = try inParallel(8) { number in
            try stores[number % 2].store.complete([.sample(1, user: "new")], at: clock.wallNow)[0]
        }

        let completed = outcomes.filter { if case .completed = $0 { true } else { false } }
        #expect(completed.count == 1)
        #expect(Set(outcomes.compactMap(\.orderID)).count == 1)
        #expect(try stores[0].store.orders(of: "new", offset: 0, size: 9).total == 1)
    }

    @Test func `two consumers with the same orders in opposite order complete each once`() throws {
        let database = try TestDatabase()
        let stores = [database.store(), database.store()]
        _ = try stores[0].store.accept((0..<20).map { .sample($0) })

        let outcomes = try inParallel(6) { number in
            let events = (UInt64(0)..<20).map { OrderAccepted.sample($0) }
            let store = stores[number % 2].store
            try store.beginProcessing(events.map(\.correlation))
            return try store.complete(
                number % 2 == 0 ? events : events.reversed(), at: clock.wallNow)
        }

        let completed = outcomes.joined().filter { if case .completed = $0 { true } else { false } }
        #expect(completed.count == 20)
    }

    /// Runs `body` on that many threads; throws the first error.
    private func inParallel<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        let results = Monitor([Int: Result<Value, any Error>]())
        DispatchQueue.concurrentPerform(iterations: count) { number in
            let result = Result { try body(number) }
            results.withLock { $0[number] = result }
        }
        return try results.withLock { $0 }.sorted { $0.key < $1.key }.map { try $0.value.get() }
    }
}
