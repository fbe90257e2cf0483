import Loop
import TestSupport
import Testing

@testable import Services

/// What the port promises, for each engine.
@Suite("OrderStore contract: processing") struct OrderStoreProcessingContractTests {
    let clock = FakeClock()

    // MARK: Processing

    @Test(arguments: StoreEngine.available)
    func `an order goes from accepted over processing to completed and never back`(
        engine: StoreEngine
    ) throws {
        let test = try engine.open()
        let store = test.store
        let order = try #require(try test.accept(.sample()).order)
        let id = CorrelationID.numbered(1)

        try store.beginProcessing([id, .numbered(99)])
        #expect(try store.orderState(id)?.status == .processing)
        let time = clock.wallNow.advanced(by: .seconds(3))
        let outcomes = try store.complete([.sample(1)], at: time)
        try store.beginProcessing([id])

        #expect(outcomes == [.completed(orderID: order.id)])
        #expect(
            try store.orderState(id)
                == OrderState(
                    id: order.id, correlation: id, user: "CUST-0001", status: .completed,
                    completedAt: time))
    }

    @Test(arguments: StoreEngine.available)
    func `a repeated event is announced again and changes nothing`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        let order = try #require(try test.accept(.sample()).order)
        let time = clock.wallNow
        _ = try store.complete([.sample(1)], at: time)

        let again = try store.complete([.sample(1)], at: time.advanced(by: .seconds(9)))

        #expect(again == [.repeated(orderID: order.id)])
        #expect(try store.orderState(.numbered(1))?.completedAt == time)
        let rows = try store.outbox(limit: 9).filter { $0.queue == "order.processed" }
        #expect(try rows.map { try OrderProcessed(decoding: $0.body).orderID } == [21, 21])
    }

    @Test(arguments: StoreEngine.available)
    func `a deleted order still ends`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        let order = try #require(try test.accept(.sample()).order)
        _ = try store.deleteOrder(id: order.id, by: "CUST-0001")

        #expect(
            try store.complete([.sample(1)], at: clock.wallNow) == [.completed(orderID: order.id)])
    }

    @Test(arguments: StoreEngine.available)
    func `a foreign producer's order is created, for a known and for a new customer`(
        engine: StoreEngine
    ) throws {
        let test = try engine.open()
        let store = test.store
        let outcomes = try store.complete(
            [.sample(1), .sample(2, user: "new")], at: clock.wallNow)

        #expect(outcomes == [.completed(orderID: 21), .completed(orderID: 22)])
        #expect(try store.order(id: 22, of: "new")?.items.count == 1)
        #expect(try store.orderState(.numbered(1))?.user == "CUST-0001")
    }

    @Test(arguments: StoreEngine.available)
    func `an event with unknown products writes nothing and does not disturb the others`(
        engine: StoreEngine
    ) throws {
        let test = try engine.open()
        let store = test.store
        let outcomes = try store.complete(
            [.sample(1, products: ["NOPE"]), .sample(2)], at: clock.wallNow)

        #expect(outcomes == [.unknownProducts(["NOPE"]), .completed(orderID: 21)])
        #expect(try store.orderState(.numbered(1)) == nil)
        #expect(try store.outboxDepth() == 1)
    }

    @Test(arguments: StoreEngine.available)
    func `published rows leave the outbox`(engine: StoreEngine) throws {
        let test = try engine.open()
        let store = test.store
        _ = try store.accept([.sample(1), .sample(2)])
        let rows = try store.outbox(limit: 1)

        try store.markPublished(rows.map(\.id))

        #expect(try store.outbox(limit: 9).map(\.correlation) == [.numbered(2)])
    }

    @Test(arguments: StoreEngine.available)
    func `a foreign order may name a product twice`(engine: StoreEngine) throws {
        let test = try engine.open()

        _ = try test.store.complete(
            [.sample(1, products: ["AZ-700", "AZ-900", "AZ-700"])], at: clock.wallNow)

        let items = try test.store.order(id: 21, of: "CUST-0001")?.items
        #expect(items?.map(\.productID) == ["AZ-700", "AZ-900", "AZ-700"])
    }

    @Test(arguments: StoreEngine.available)
    func `the same event twice in one batch is one order`(engine: StoreEngine) throws {
        let test = try engine.open()

        let outcomes = try test.store.complete([.sample(1), .sample(1)], at: clock.wallNow)

        #expect(outcomes == [.completed(orderID: 21), .repeated(orderID: 21)])
        #expect(try test.store.outboxDepth() == 2)
    }

    @Test(arguments: StoreEngine.available)
    func `completed orders are found by user and time, deleted ones too`(engine: StoreEngine)
        throws
    {
        let test = try engine.open()
        let users = ["a", "b", "c"]
        for (number, user) in users.enumerated() {
            _ = try test.accept(.sample(UInt64(number), user: user))
        }
        let time = clock.wallNow.advanced(by: .seconds(1))
        _ = try test.store.complete([.sample(0, user: "a")], at: clock.wallNow)
        _ = try test.store.complete([.sample(1, user: "b")], at: time)
        let b = try #require(try test.store.orderState(.numbered(1)))
        _ = try test.store.deleteOrder(id: b.id, by: "b")

        let found = try test.store.completedOrders(of: users, since: time)
        let all = try test.store.completedOrders(of: ["b", "a"], since: clock.wallNow)

        #expect(found == [CompletedOrder(id: b.id, user: "b", correlation: .numbered(1))])
        #expect(all.map(\.user) == ["a", "b"])
        #expect(try test.store.completedOrders(of: [], since: clock.wallNow) == [])
    }
}
