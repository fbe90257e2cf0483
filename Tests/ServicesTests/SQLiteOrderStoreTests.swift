import Foundation
import Loop
import Testing
import TestSupport

@testable import Services

@Suite("SQLiteOrderStore") struct SQLiteOrderStoreTests {
    let database: SQLiteDatabase
    let store: SQLiteOrderStore
    let clock = FakeClock()

    init() throws {
        database = try memoryDatabase()
        store = SQLiteOrderStore(database: database)
    }

    // MARK: Products

    @Test func `products are listed by internal id, a page at a time, with the true total`() throws
    {
        let first = try store.products(offset: 0, size: 12)
        let past = try store.products(offset: 500, size: 12)

        #expect(first.total == 145)
        #expect(first.items.map(\.externalID).prefix(2) == ["AZ-900", "AZ-104"])
        #expect(first.items.count == 12)
        #expect(past.total == 145 && past.items.isEmpty)
    }

    @Test func `inactive and soft-deleted products are not listed and not sold`() throws {
        try run("UPDATE Product SET IsActive = 0 WHERE ExternalProductId = 'AZ-900'")
        try run("UPDATE Product SET IsSoftDeleted = 1 WHERE ExternalProductId = 'AZ-104'")

        let lines: [(String, Int32)] = [("AZ-900", 1), ("AZ-104", 1)]

        #expect(try store.products(offset: 0, size: 1).items[0].externalID == "AZ-204")
        #expect(try unknown(.sample(lines: lines)) == ["AZ-900", "AZ-104"])
    }

    @Test func `a product is found in any case, but ordered only by its exact id`() throws {
        #expect(try store.product(externalID: "az-700")?.externalID == "AZ-700")
        #expect(try store.product(externalID: "NOPE") == nil)
        #expect(try unknown(.sample(lines: [("az-700", 1)])) == ["az-700"])
    }

    // MARK: Accept

    @Test func `an accepted order has its id, its lines in order and the catalogue's prices`()
        throws
    {
        let lines: [(String, Int32)] = [("AZ-700", 2), ("AZ-900", 1), ("AZ-700", 1)]

        let order = try #require(try accept(.sample(user: "new user", lines: lines)).order)

        #expect(order.id == 21)
        #expect(order.status == .accepted)
        #expect(order.items.map(\.productID) == ["AZ-700", "AZ-900", "AZ-700"])
        #expect(order.items[0].unitPrice == Price(hundredths: 5999))
        #expect(try store.order(id: order.id, of: "new user") == order)
    }

    @Test func `every order comes with one outbox row, in the same commit`() throws {
        let outcomes = try store.accept([.sample(1), .sample(2, user: "other")])

        let rows = try store.outbox(limit: 10)
        #expect(outcomes.compactMap(\.order).count == 2)
        #expect(rows.map(\.correlation) == [.numbered(1), .numbered(2)])
        #expect(rows.map(\.queue) == ["order.accepted", "order.accepted"])
        #expect(try OrderAccepted(decoding: rows[1].body).user == "other")
        #expect(try store.outboxDepth() == 2)
    }

    @Test func `one refusal in a batch leaves the others`() throws {
        let outcomes = try store.accept([
            .sample(1), .sample(2, lines: [("B", 1), ("A", 1), ("B", 2)]), .sample(3),
        ])

        guard case .unknownProducts(let missing) = outcomes[1] else {
            Issue.record("got \(outcomes[1])")
            return
        }
        #expect(missing == ["B", "A"])
        #expect(outcomes[0].order != nil && outcomes[2].order != nil)
        #expect(try store.outboxDepth() == 2)
    }

    @Test func `a refused order of a new user makes no customer`() throws {
        _ = try store.accept([.sample(user: "ghost", lines: [("NOPE", 1)])])

        let count = try database.read { (connection) throws(StoreError) in
            try connection.integer("SELECT count(*) FROM Customer")
        }
        #expect(count == 10)
    }

    @Test func `the same correlation again is the same order`() throws {
        let first = try #require(try accept(.sample()).order)
        let again = try #require(try accept(.sample()).order)

        #expect(first == again)
        #expect(try store.outboxDepth() == 1)
    }

    // MARK: Idempotency

    @Test func `the same key and body give the first order, also within one batch`() throws {
        let outcomes = try store.accept([.sample(1, key: "k"), .sample(2, key: "k")])

        guard case .repeated(let repeated) = outcomes[1] else {
            Issue.record("got \(outcomes[1])")
            return
        }
        #expect(repeated == outcomes[0].order)
        #expect(try store.outboxDepth() == 1)
    }

    @Test func `the same key with another body is refused, and free for another user`() throws {
        _ = try accept(.sample(1, key: "k"))

        if case .keyReused = try accept(.sample(2, key: "k", digest: [2])) {
        } else {
            Issue.record("the key was not protected")
        }
        if case .accepted = try accept(.sample(3, user: "other", key: "k", digest: [2])) {
        } else {
            Issue.record("keys of users are mixed up")
        }
    }

    @Test func `a key is kept for 24 hours and free after that`() throws {
        _ = try accept(.sample(1, key: "k"))
        let day = Duration.seconds(24 * 3600)
        let atEnd = clock.wallNow.advanced(by: day)

        if case .repeated = try accept(.sample(2, key: "k", at: atEnd)) {
        } else {
            Issue.record("forgotten too early")
        }
        let after = atEnd.advanced(by: .microseconds(1))
        if case .accepted = try accept(.sample(3, key: "k", at: after)) {
        } else {
            Issue.record("never forgotten")
        }
    }

    // MARK: Reading orders

    @Test func `orders are the caller's, newest first`() throws {
        clock.advance(by: .seconds(1))
        let older = try #require(try accept(.sample(1, user: "u", at: clock.wallNow)).order)
        let sameTime = try #require(try accept(.sample(2, user: "u", at: clock.wallNow)).order)
        clock.advance(by: .seconds(1))
        let newest = try #require(try accept(.sample(3, user: "u", at: clock.wallNow)).order)

        let page = try store.orders(of: "u", offset: 0, size: 2)
        #expect(page.items.map(\.id) == [newest.id, sameTime.id])
        #expect(page.total == 3)
        #expect(try store.orders(of: "u", offset: 2, size: 2).items.map(\.id) == [older.id])
        #expect(try store.orders(of: "U", offset: 0, size: 2).total == 0)
        #expect(try store.order(id: newest.id, of: "CUST-0001") == nil)
    }

    @Test func `an order keeps the name and price it was bought at`() throws {
        let order = try #require(try accept(.sample()).order)
        try run("UPDATE Product SET Price = 1, Name = 'x' WHERE ExternalProductId = 'AZ-700'")

        #expect(try store.order(id: order.id, of: "CUST-0001")?.items == order.items)

        try run("UPDATE OrderItem SET UnitPrice = NULL, ProductName = NULL")
        let item = try #require(try store.order(id: order.id, of: "CUST-0001")?.items[0])
        #expect(item.unitPrice.hundredths == 1 && item.productName == "x")
    }

    @Test func `lines of soft-deleted products vanish, those of inactive ones stay`() throws {
        let lines: [(String, Int32)] = [("AZ-700", 1), ("AZ-900", 1)]
        let order = try #require(try accept(.sample(lines: lines)).order)
        try run("UPDATE Product SET IsActive = 0 WHERE ExternalProductId = 'AZ-700'")
        try run("UPDATE Product SET IsSoftDeleted = 1 WHERE ExternalProductId = 'AZ-900'")

        let items = try store.order(id: order.id, of: "CUST-0001")?.items

        #expect(items?.map(\.productID) == ["AZ-700"])
    }

    // MARK: Delete

    @Test func `delete tells strangers, owners and repeats apart`() throws {
        let order = try #require(try accept(.sample(1, user: "owner")).order)

        #expect(try store.deleteOrder(id: order.id, by: "nobody") == .notFound)
        #expect(try store.deleteOrder(id: order.id, by: "CUST-0001") == .forbidden)
        #expect(try store.deleteOrder(id: 999_999, by: "owner") == .notFound)
        #expect(try store.deleteOrder(id: order.id, by: "owner") == .deleted)
        #expect(try store.deleteOrder(id: order.id, by: "owner") == .notFound)
        #expect(try store.order(id: order.id, of: "owner") == nil)
        #expect(try store.orders(of: "owner", offset: 0, size: 10).total == 0)
    }

    // MARK: Processing

    @Test func `an order goes from accepted over processing to completed and never back`() throws {
        let order = try #require(try accept(.sample()).order)
        let id = CorrelationID.numbered(1)

        try store.beginProcessing([id, .numbered(99)])
        #expect(try store.orderState(id)?.status == .processing)
        let time = clock.wallNow.advanced(by: .seconds(3))
        let outcomes = try store.complete([event(1)], at: time)
        try store.beginProcessing([id])

        #expect(outcomes == [.completed(orderID: order.id)])
        #expect(
            try store.orderState(id)
                == OrderState(
                    id: order.id, correlation: id, user: "CUST-0001", status: .completed,
                    completedAt: time))
    }

    @Test func `a repeated event is announced again and changes nothing`() throws {
        let order = try #require(try accept(.sample()).order)
        let time = clock.wallNow
        _ = try store.complete([event(1)], at: time)

        let again = try store.complete([event(1)], at: time.advanced(by: .seconds(9)))

        #expect(again == [.repeated(orderID: order.id)])
        #expect(try store.orderState(.numbered(1))?.completedAt == time)
        let rows = try store.outbox(limit: 9).filter { $0.queue == "order.processed" }
        #expect(try rows.map { try OrderProcessed(decoding: $0.body).orderID } == [21, 21])
    }

    @Test func `a deleted order still ends`() throws {
        let order = try #require(try accept(.sample()).order)
        _ = try store.deleteOrder(id: order.id, by: "CUST-0001")

        #expect(
            try store.complete([event(1)], at: clock.wallNow) == [.completed(orderID: order.id)])
    }

    @Test func `a foreign producer's order is created, for a known and for a new customer`() throws
    {
        let outcomes = try store.complete(
            [event(1), event(2, user: "new")], at: clock.wallNow)

        #expect(outcomes == [.completed(orderID: 21), .completed(orderID: 22)])
        #expect(try store.order(id: 22, of: "new")?.items.count == 1)
        #expect(try store.orderState(.numbered(1))?.user == "CUST-0001")
    }

    @Test func `an event with unknown products writes nothing and does not disturb the others`()
        throws
    {
        let outcomes = try store.complete(
            [event(1, product: "NOPE"), event(2)], at: clock.wallNow)

        #expect(outcomes == [.unknownProducts(["NOPE"]), .completed(orderID: 21)])
        #expect(try store.orderState(.numbered(1)) == nil)
        #expect(try store.outboxDepth() == 1)
    }

    @Test func `published rows leave the outbox`() throws {
        _ = try store.accept([.sample(1), .sample(2)])
        let rows = try store.outbox(limit: 1)

        try store.markPublished(rows.map(\.id))

        #expect(try store.outbox(limit: 9).map(\.correlation) == [.numbered(2)])
    }

    // MARK: Helping hands

    private func accept(_ request: AcceptRequest) throws -> AcceptOutcome {
        try store.accept([request])[0]
    }

    private func unknown(_ request: AcceptRequest) throws -> [String]? {
        if case .unknownProducts(let ids) = try accept(request) { ids } else { nil }
    }

    private func event(
        _ number: UInt64, user: String = "CUST-0001", product: String = "AZ-700"
    ) -> OrderAccepted {
        OrderAccepted(
            correlation: .numbered(number), user: user,
            lines: [AcceptRequest.Line(productID: product, quantity: 1)])
    }

    private func run(_ sql: StaticString) throws {
        try database.write(.ordered) { (connection) throws(StoreError) in
            try connection.run(sql)
        }
    }
}
