import Loop
import TestSupport
import Testing

@testable import Services

/// The worker and both handlers over a real bus and store in memory.
@Suite("QueueWorker") struct QueueWorkerTests {
    let clock = FakeClock()
    let store: FaultyStore
    let bus: EmbeddedBus
    let state: FakeWorkflowState
    let notifier = FakeNotifier()
    let counters = OrderCounters()
    let relay = WakeSignal()

    init() throws {
        let database = try memoryDatabase()
        store = FaultyStore(SQLiteOrderStore(database: database))
        bus = EmbeddedBus(database: database, clock: clock)
        state = FakeWorkflowState(clock: clock)
    }

    // MARK: Its end

    @Test func `a worker that was woken waits for nothing more`() throws {
        let early = processor()
        early.wake()
        #expect(early.step(wait: .seconds(600)) == .idle)

        let late = processor()
        #expect(late.step(wait: .zero) == .idle)
        late.wake()
        #expect(late.step(wait: .seconds(600)) == .idle)
    }

    @Test func `what waits for a dependency goes to other consumers when the worker ends`() throws {
        try publish(event(1))
        store.failNext(1, with: .unavailable("away"))
        let worker = processor()
        guard case .paused = worker.step(wait: .zero) else {
            Issue.record("the store is away")
            return
        }

        worker.finish()

        let next = try bus.consumer(of: "order.accepted").receive(max: 9, wait: .zero)
        #expect(next.count == 1)
    }

    // MARK: ProcessOrder

    @Test func `an accepted order is completed, announced and acked`() throws {
        let order = try #require(try store.accept([.sample()])[0].order)
        try state.begin([(.numbered(1), "CUST-0001")])
        try publish(event(1))

        #expect(processor().step(wait: .zero) == .worked(1))

        #expect(try store.orderState(.numbered(1))?.status == .completed)
        #expect(
            try state.status(.numbered(1))
                == WorkflowStatus(status: .completed, orderID: order.id))
        #expect(try store.outbox(limit: 9).map(\.queue) == ["order.accepted", "order.processed"])
        #expect(try bus.depth(of: "order.accepted") == 0)
        #expect(counters.processed.value == 1)
    }

    @Test func `the same event twice makes one order and two announcements`() throws {
        try publish(event(1), event(1))

        let worker = processor()
        _ = worker.step(wait: .zero)

        #expect(try store.outbox(limit: 9).count == 2)
        #expect(counters.processed.value == 1 && counters.duplicates.value == 1)
    }

    @Test func `poison goes to the dead letters at once and the others are processed`() throws {
        try publish(#"{"bad":"payload"}"#, event(1), event(2, product: "NOPE"))

        #expect(processor().step(wait: .zero) == .worked(3))

        #expect(try bus.depth(of: "order.accepted") == 0)
        let dead = try bus.consumer(of: "order.accepted.dlq").receive(max: 9, wait: .zero)
        #expect(
            dead.map { $0.headers["x-dead-letter-reason"] } == [
                "no valid correlation id", "unknown products: NOPE",
            ])
        #expect(try store.orderState(.numbered(1))?.status == .completed)
        #expect(counters.deadLetters.value == 2)
    }

    @Test func `what the bus has not kept whole is buried, counted, and seen by no handler`() throws
    {
        try publish(event(1), event(2), event(3))
        let worker = processor(on: CuttingBus(bus: bus, cut: 1))

        #expect(worker.step(wait: .zero) == .worked(2))

        #expect(counters.processed.value == 2 && counters.deadLetters.value == 1)
        let dead = try bus.consumer(of: "order.accepted.dlq").receive(max: 9, wait: .zero)
        #expect(dead.map { $0.headers["x-dead-letter-reason"] } == ["cut"])
        #expect(try bus.depth(of: "order.accepted") == 0)
    }

    @Test func `a store that is away pauses the worker and burns no retries`() throws {
        try publish(event(1))
        let worker = processor()

        for _ in 0..<20 {
            store.failNext(1, with: .unavailable("away"))
            guard case .paused = worker.step(wait: .zero) else {
                Issue.record("did not pause")
                return
            }
        }

        #expect(worker.step(wait: .zero) == .worked(1))
        #expect(counters.retries.value == 0)
        #expect(try bus.depth(of: "order.accepted.dlq") == 0)
    }

    @Test func `a failure is retried after 1, 2, 4, 8 and 16 seconds and then buried`() throws {
        try publish(event(1))
        let worker = processor()

        for seconds in [1, 2, 4, 8, 16] {
            store.failNext(2, with: .failed("broken"))
            #expect(worker.step(wait: .zero) == .worked(1))
            clock.advance(by: .seconds(seconds) - .milliseconds(1))
            #expect(worker.step(wait: .zero) == .idle, "too early after \(seconds) s")
            // The random part is at most a quarter.
            clock.advance(by: .milliseconds(seconds * 250 + 1))
        }
        store.failNext(2, with: .failed("broken"))
        #expect(worker.step(wait: .zero) == .worked(1))

        #expect(counters.retries.value == 5)
        let dead = try bus.consumer(of: "order.accepted.dlq").receive(max: 9, wait: .zero)
        #expect(
            dead.map { $0.headers["x-dead-letter-reason"] } == ["after 5 retries: broken"])
    }

    @Test func `one event that breaks the commit fails alone`() throws {
        try publish(event(1), event(2))
        // PROCESSING and the commit of both, then the same of the first alone.
        store.failNext(4, with: .failed("broken"))

        _ = processor().step(wait: .zero)

        #expect(try store.orderState(.numbered(1)) == nil)
        #expect(try store.orderState(.numbered(2))?.status == .completed)
        #expect(counters.retries.value == 1)
    }

    @Test func `a workflow state that is away stops nothing`() throws {
        state.setAway(true)
        try publish(event(1))

        #expect(processor().step(wait: .zero) == .worked(1))
        #expect(try store.orderState(.numbered(1))?.status == .completed)
    }

    // MARK: NotifyOrder

    @Test func `the owner in the workflow state is told`() throws {
        try state.begin([(.numbered(1), "u")])
        try publishProcessed(1, orderID: 9876)

        #expect(announcer().step(wait: .zero) == .worked(1))

        #expect(notifier.pushes == [push("u", 1, 9876)])
        #expect(try bus.depth(of: "order.processed") == 0)
    }

    @Test func `without workflow state the owner comes from the order's row`() throws {
        _ = try store.accept([.sample(user: "row owner")])
        try publishProcessed(1, orderID: 21)
        state.setAway(true)

        _ = announcer().step(wait: .zero)

        #expect(notifier.pushes == [push("row owner", 1, 21)])
    }

    @Test func `of a batch each owner is told of his own order`() throws {
        _ = try store.accept([.sample(2, user: "by its row")])
        try state.begin([(.numbered(1), "a"), (.numbered(3), "c")])
        for number in 1...3 { try publishProcessed(UInt64(number), orderID: Int64(number)) }

        #expect(announcer().step(wait: .zero) == .worked(3))

        #expect(notifier.pushes == [push("a", 1, 1), push("by its row", 2, 2), push("c", 3, 3)])
    }

    @Test func `a store that is away is asked for one owner of a batch, and all wait`() throws {
        _ = try store.accept([.sample(1), .sample(2)])
        try publishProcessed(1, orderID: 1)
        try publishProcessed(2, orderID: 2)
        store.failNext(1, with: .unavailable("on purpose"))
        let worker = announcer()

        guard case .paused = worker.step(wait: .zero) else {
            Issue.record("did not pause")
            return
        }
        #expect(notifier.pushes.isEmpty)

        #expect(worker.step(wait: .zero) == .worked(2))
        #expect(notifier.pushes.count == 2)
        #expect(counters.retries.value == 0)
    }

    @Test func `an order that nobody owns is retried and told once its owner is known`() throws {
        try publishProcessed(1, orderID: 5)
        let worker = announcer()
        #expect(worker.step(wait: .zero) == .worked(1))
        #expect(notifier.pushes.isEmpty)

        _ = try state.claim(.numbered(1), for: "late")
        clock.advance(by: .seconds(2))
        _ = worker.step(wait: .zero)

        #expect(notifier.pushes == [push("late", 1, 5)])
        #expect(counters.retries.value == 1)
    }

    @Test func `a push that the backplane refuses is held, and the others are not repeated`() throws
    {
        try state.begin([(.numbered(1), "a"), (.numbered(2), "b")])
        try publishProcessed(1, orderID: 1)
        try publishProcessed(2, orderID: 2)
        notifier.failNext(1)
        let worker = announcer()

        guard case .paused = worker.step(wait: .zero) else {
            Issue.record("did not pause")
            return
        }
        #expect(worker.step(wait: .zero) == .worked(1))

        #expect(notifier.pushes == [push("b", 2, 2), push("a", 1, 1)])
        #expect(counters.retries.value == 0)
    }

    // MARK: OutboxRelay

    @Test func `the relay moves rows in order, with the headers, and empties the outbox`() throws {
        var request = AcceptRequest.sample(1)
        request.traceparent = "00-aa-bb-01"
        _ = try store.accept([request, .sample(2)])

        #expect(makeRelay(bus).step(wait: .zero) == .worked(2))

        let deliveries = try bus.consumer(of: "order.accepted").receive(max: 9, wait: .zero)
        #expect(
            try deliveries.map { try OrderAccepted(decoding: $0.body).correlation } == [
                .numbered(1), .numbered(2),
            ])
        let id = CorrelationID.numbered(1).description
        #expect(
            deliveries[0].headers == [
                "x-correlation-id": id, "baggage": "correlation_id=\(id)",
                "traceparent": "00-aa-bb-01",
            ])
        #expect(deliveries[1].headers["traceparent"] == nil)
        #expect(try store.outboxDepth() == 0)
        #expect(makeRelay(bus).step(wait: .zero) == .idle)
    }

    @Test func `a bus that is away keeps the rows, and the pauses grow`() throws {
        _ = try store.accept([.sample()])
        let worker = makeRelay(FaultyBus(bus, chance: { .beforePublish }))

        var pauses: [Duration] = []
        for _ in 0..<12 {
            if case .paused(let pause) = worker.step(wait: .zero) { pauses.append(pause) }
        }

        #expect(pauses.count == 12)
        #expect((.milliseconds(100)...(.milliseconds(125))).contains(pauses[0]))
        #expect((.milliseconds(400)...(.milliseconds(500))).contains(pauses[2]))
        #expect((.seconds(2)...(.milliseconds(2500))).contains(pauses[11]))
        #expect(try store.outboxDepth() == 1)
    }

    @Test func `a mark that fails publishes again rather than never`() throws {
        _ = try store.accept([.sample()])
        let worker = makeRelay(FaultyBus(bus, chance: { .beforeConfirm }))
        _ = worker.step(wait: .zero)

        #expect(makeRelay(bus).step(wait: .zero) == .worked(1))

        #expect(try bus.depth(of: "order.accepted") == 2)
    }

    // MARK: Helping hands

    private func processor(on other: (any MessageBus)? = nil) -> QueueWorker {
        QueueWorker(
            bus: other ?? bus, queue: "order.accepted",
            handler: ProcessOrder(
                store: store, state: state, relay: relay, clock: clock, counters: counters),
            random: SeededRandom(seed: 1), counters: counters)
    }

    private func announcer() -> QueueWorker {
        QueueWorker(
            bus: bus, queue: "order.processed",
            handler: NotifyOrder(
                store: store, state: state, notifier: notifier, counters: counters),
            random: SeededRandom(seed: 1), counters: counters)
    }

    private func makeRelay(_ bus: any MessageBus) -> OutboxRelay {
        OutboxRelay(
            store: store, bus: bus, signal: relay, random: SeededRandom(seed: 1),
            counters: counters)
    }

    private func event(_ number: UInt64, product: String = "AZ-700") -> String {
        let line = AcceptRequest.Line(productID: product, quantity: 1)
        let event = OrderAccepted(
            correlation: .numbered(number), user: "CUST-0001", lines: [line])
        return String(decoding: event.encoded(), as: UTF8.self)
    }

    private func publish(_ bodies: String...) throws {
        try bus.publish(
            bodies.map {
                OutgoingMessage(queue: "order.accepted", body: Array($0.utf8), headers: [:])
            })
    }

    private func publishProcessed(_ number: UInt64, orderID: Int64) throws {
        let event = OrderProcessed(correlation: .numbered(number), orderID: orderID)
        try bus.publish([
            OutgoingMessage(queue: "order.processed", body: event.encoded(), headers: [:])
        ])
    }

    private func push(_ user: String, _ number: UInt64, _ orderID: Int64) -> OrderPush {
        OrderPush(
            user: user, event: OrderProcessed(correlation: .numbered(number), orderID: orderID))
    }
}
