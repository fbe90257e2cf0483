import Loop
import TestSupport
import Testing

@testable import Services

/// What the port promises, for each engine.
@Suite("OrderStore contract: intake") struct OrderStoreContractTests {
    let clock = FakeClock()

    // MARK: Products

    @Test(arguments: StoreEngine.available)
    func `products are listed by internal id, a page at a time, with the true total`(
        engine: StoreEngine
    ) throws {
        let test = try engine.open()
        let store = test.store
        let first = try store.products(offset: 0, size: 12)
        let past = try store.products(offset: 500, size: 12)

        #expect(first.total == 145)
        #expect(first.items.map(\.externalID).prefix(2) == ["AZ-900", "AZ-104"])
        #expect(first.items.count == 12)
        #expect(past.total == 145 && past.items.isEmpty)
    }

    @Test(arguments: StoreEngine.available)
    func `inactive and soft-deleted products are not listed and not sold`(engine: StoreEngine)
        throws
    {
        let test = try engine.open()
        let store = test.store
        try test.run(
            """
            UPDATE "Product" SET "IsActive" = false
            WHERE "ExternalProductId" = 'AZ-900'
            """)
        try test.run(
            """
            UPDATE "Product" SET "IsSoftDeleted" = true
            WHERE "ExternalProductId" = 'AZ-104'
            """)

        let lines: [(String, Int32)] = [("AZ-900", 1), ("AZ-104", 1)]

        #expect(try store.products(offset: 0, size: 1).items[0].externalID == "AZ-204")
        #expect(try test.unknown(.sample(lines: lines)) == ["AZ-900", "AZ-104"])
    }

    @Test(arguments: StoreEngine.available)
    func `a product is found in any case, but ordered only by its exact id`(engine: StoreEngine)
        throws
    {
        let test = try engine.open()
        let store = test.store
        #expect(try store.product(externalID: "az-700")?.externalID == "AZ-700")
        #expect(try store.product(externalID: "NOPE") == nil)
        #expect(try test.unknown(.sample(lines: [("az-700", 1)])) == ["az-700"])
    }

    // MARK: Accept

    @Test(arguments: StoreEngine.available)
    func `an accepted order has its id, its lines in order and the catalogue's prices`(
        engine: StoreEngine
    ) throws {
        let test = try engine.open()
        let store = test.store
        let lines: [(String, Int32)] = [("AZ-700", 2), ("AZ-900", 1), ("AZ-700", 1)]

        let order = try #require(try test.accept(.sample(user: "new user", lines: lines)).order)

        #expect(order.id == 21)
        #expect(order.status == .accepted)
        #expect(order.items.map(\.productID) == ["AZ-700", "AZ-900", "AZ-700"])
        #expect(order.items[0].unitPrice == Price(hundredths: 5999))
        #expect(try store.order(id: order.id, of: "new user") == order)
    }

    @Test(arguments: StoreEngine.available)
    func `every order comes with one outbox row, in the same commit`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        let outcomes = try store.accept([.sample(1), .sample(2, user: "other")])

        let rows = try store.outbox(limit: 10)
        #expect(outcomes.compactMap(\.order).count == 2)
        #expect(rows.map(\.correlation) == [.numbered(1), .numbered(2)])
        #expect(rows.map(\.queue) == ["order.accepted", "order.accepted"])
        #expect(try OrderAccepted(decoding: rows[1].body).user == "other")
        #expect(try store.outboxDepth() == 2)
    }

    @Test(arguments: StoreEngine.available)
    func `one refusal in a batch leaves the others`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
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

    @Test(arguments: StoreEngine.available)
    func `a refused order of a new user makes no customer`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        _ = try store.accept([.sample(user: "ghost", lines: [("NOPE", 1)])])

        #expect(try test.integer("SELECT count(*) FROM \"Customer\"") == 10)
    }

    @Test(arguments: StoreEngine.available)
    func `the same correlation again is the same order`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        let first = try #require(try test.accept(.sample()).order)
        let again = try #require(try test.accept(.sample()).order)

        #expect(first == again)
        #expect(try store.outboxDepth() == 1)
    }

    // MARK: Idempotency

    @Test(arguments: StoreEngine.available)
    func `the same key and body give the first order, also within one batch`(engine: StoreEngine)
        throws
    {
        let test = try engine.open()
        let store = test.store
        let outcomes = try store.accept([.sample(1, key: "k"), .sample(2, key: "k")])

        guard case .repeated(let repeated) = outcomes[1] else {
            Issue.record("got \(outcomes[1])")
            return
        }
        #expect(repeated == outcomes[0].order)
        #expect(try store.outboxDepth() == 1)
    }

    @Test(arguments: StoreEngine.available)
    func `the same key with another body is refused, and free for another user`(engine: StoreEngine)
        throws
    {
        let test = try engine.open()
        _ = try test.accept(.sample(1, key: "k"))

        if case .keyReused = try test.accept(.sample(2, key: "k", digest: [2])) {
        } else {
            Issue.record("the key was not protected")
        }
        if case .accepted = try test.accept(.sample(3, user: "other", key: "k", digest: [2])) {
        } else {
            Issue.record("keys of users are mixed up")
        }
    }

    @Test(arguments: StoreEngine.available)
    func `a key is kept for 24 hours and free after that`(engine: StoreEngine) throws {
        let test = try engine.open()
        _ = try test.accept(.sample(1, key: "k"))
        let day = Duration.seconds(24 * 3600)
        let atEnd = clock.wallNow.advanced(by: day)

        if case .repeated = try test.accept(.sample(2, key: "k", at: atEnd)) {
        } else {
            Issue.record("forgotten too early")
        }
        let after = atEnd.advanced(by: .microseconds(1))
        if case .accepted = try test.accept(.sample(3, key: "k", at: after)) {
        } else {
            Issue.record("never forgotten")
        }
    }

    // MARK: Reading orders

    @Test(arguments: StoreEngine.available)
    func `orders are the caller's, newest first`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        clock.advance(by: .seconds(1))
        let older = try #require(try test.accept(.sample(1, user: "u", at: clock.wallNow)).order)
        let sameTime = try #require(try test.accept(.sample(2, user: "u", at: clock.wallNow)).order)
        clock.advance(by: .seconds(1))
        let newest = try #require(try test.accept(.sample(3, user: "u", at: clock.wallNow)).order)

        let page = try store.orders(of: "u", offset: 0, size: 2)
        #expect(page.items.map(\.id) == [newest.id, sameTime.id])
        #expect(page.total == 3)
        #expect(try store.orders(of: "u", offset: 2, size: 2).items.map(\.id) == [older.id])
        #expect(try store.orders(of: "U", offset: 0, size: 2).total == 0)
        #expect(try store.order(id: newest.id, of: "CUST-0001") == nil)
    }

    @Test(arguments: StoreEngine.available)
    func `an order keeps the name and price it was bought at`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        let order = try #require(try test.accept(.sample()).order)
        try test.run(
            hundredths: "UPDATE Product SET Price = 1, Name = 'x'",
            decimal: """
                UPDATE "Product" SET "Price" = 0.01, "Name" = 'x'
                """)

        #expect(try store.order(id: order.id, of: "CUST-0001")?.items == order.items)

        try test.run(
            """
            UPDATE "OrderItem" SET "UnitPrice" = NULL, "ProductName" = NULL
            """)
        let item = try #require(try store.order(id: order.id, of: "CUST-0001")?.items[0])
        #expect(item.unitPrice.hundredths == 1 && item.productName == "x")
    }

    @Test(arguments: StoreEngine.available)
    func `lines of soft-deleted products vanish, those of inactive ones stay`(engine: StoreEngine)
        throws
    {
        let test = try engine.open()
        let store = test.store
        let lines: [(String, Int32)] = [("AZ-700", 1), ("AZ-900", 1)]
        let order = try #require(try test.accept(.sample(lines: lines)).order)
        try test.run(
            """
            UPDATE "Product" SET "IsActive" = false
            WHERE "ExternalProductId" = 'AZ-700'
            """)
        try test.run(
            """
            UPDATE "Product" SET "IsSoftDeleted" = true
            WHERE "ExternalProductId" = 'AZ-900'
            """)

        let items = try store.order(id: order.id, of: "CUST-0001")?.items

        #expect(items?.map(\.productID) == ["AZ-700"])
    }

    // MARK: Delete

    @Test(arguments: StoreEngine.available)
    func `delete tells strangers, owners and repeats apart`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        let order = try #require(try test.accept(.sample(1, user: "owner")).order)

        #expect(try store.deleteOrder(id: order.id, by: "nobody") == .notFound)
        #expect(try store.deleteOrder(id: order.id, by: "CUST-0001") == .forbidden)
        #expect(try store.deleteOrder(id: 999_999, by: "owner") == .notFound)
        #expect(try store.deleteOrder(id: order.id, by: "owner") == .deleted)
        #expect(try store.deleteOrder(id: order.id, by: "owner") == .notFound)
        #expect(try store.order(id: order.id, of: "owner") == nil)
        #expect(try store.orders(of: "owner", offset: 0, size: 10).total == 0)
    }

    @Test(arguments: StoreEngine.available)
    func `a name is compared byte for byte`(engine: StoreEngine) throws {
        let test = try engine.open()
        _ = try test.accept(.sample(1, user: "Name"))

        #expect(try test.store.orders(of: "name", offset: 0, size: 9).total == 0)
        #expect(try test.store.orders(of: "Name ", offset: 0, size: 9).total == 0)
        #expect(try test.store.orders(of: "Name", offset: 0, size: 9).total == 1)
    }

    @Test(arguments: StoreEngine.available)
    func `a name that no text column can hold belongs to nobody`(engine: StoreEngine) throws {
        let test = try engine.open()

        #expect(try test.store.product(externalID: "AZ-700\0") == nil)
        #expect(try test.unknown(.sample(lines: [("AZ-700\0", 1)])) == ["AZ-700\0"])
        #expect(try test.store.orders(of: "CUST-0001\0", offset: 0, size: 9).total == 0)
    }

    @Test(arguments: StoreEngine.available)
    func `quotes, backslashes and every script of the world come back as they went in`(
        engine: StoreEngine
    ) throws {
        let test = try engine.open()
        let user = "O'Brien \"{\\}\" ,NULL, \u{1F600} \u{0001} тест"

        let order = try #require(try test.accept(.sample(1, user: user, key: "{\"k\\}")).order)

        #expect(try test.store.orders(of: user, offset: 0, size: 9).items == [order])
        #expect(try test.store.orderState(.numbered(1))?.user == user)
    }
}
