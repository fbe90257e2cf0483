import Loop
import Testing
import TestSupport

@testable import Services

@Suite("OrderDraft") struct OrderDraftTests {
    @Test func `missing items are two errors, empty ones are one`() {
        #expect(
            errors(nil) == [
                Entry(
                    "items", "Items collection is required.", "At least one order item is required."
                )
            ])
        #expect(errors([]) == [Entry("items", "At least one order item is required.")])
    }

    @Test func `every broken item is named with the reference's words`() {
        let items: [OrderDraft.Item?] = [
            item(" ", 0), item("AZ-700", 1), nil, item(nil, nil), item("AZ-700", -1),
        ]

        #expect(
            errors(items) == [
                Entry("items[0].productId", "ProductId is required."),
                Entry("items[0].quantity", "Quantity must be greater than 0."),
                Entry("items[2]", "Item is required."),
                Entry("items[3].productId", "ProductId is required."),
                Entry("items[3].quantity", "Quantity must be greater than 0."),
                Entry("items[4].quantity", "Quantity must be greater than 0."),
            ])
    }

    @Test func `the caps hold at their value and refuse one more`() {
        let one = item("AZ-700", 1)
        #expect(errors(Array(repeating: one, count: 99)) == [])
        #expect(errors(Array(repeating: one, count: 100)) == [])
        #expect(
            errors(Array(repeating: one, count: 101)) == [
                Entry("items", "At most 100 order items are allowed.")
            ])
        #expect(errors([item("p", 10_000)]) == [])
        #expect(
            errors([item("p", 10_001)]) == [
                Entry("items[0].quantity", "Quantity must not exceed 10000.")
            ])
        #expect(errors([item(String(repeating: "p", count: 64), 1)]) == [])
        #expect(
            errors([item(String(repeating: "p", count: 65), 1)]) == [
                Entry("items[0].productId", "ProductId must not exceed 64 characters.")
            ])
    }

    @Test func `duplicate products are separate lines`() throws {
        let draft = OrderDraft(items: [item("p", 1), item("p", 2)])
        #expect(try draft.validated(OrderLimits()).map(\.quantity) == [1, 2])
    }

    private struct Entry: Equatable {
        let key: String
        let messages: [String]
        init(_ key: String, _ messages: String...) {
            self.key = key
            self.messages = messages
        }
        init(_ entry: ValidationErrors.Entry) {
            key = entry.key
            messages = entry.messages
        }
    }

    private func item(_ id: String?, _ quantity: Int64?) -> OrderDraft.Item {
        OrderDraft.Item(productID: id, quantity: quantity)
    }

    private func errors(_ items: [OrderDraft.Item?]?) -> [Entry] {
        do throws(ValidationErrors) {
            _ = try OrderDraft(items: items).validated(OrderLimits())
            return []
        } catch {
            return error.entries.map { Entry($0) }
        }
    }
}

@Suite("AcceptOrder") struct AcceptOrderTests {
    let store: SQLiteOrderStore
    let state = FakeWorkflowState()
    let relay = WakeSignal()
    let counters = OrderCounters()
    let accept: AcceptOrder
    let draft = OrderDraft(items: [OrderDraft.Item(productID: "AZ-700", quantity: 1)])

    init() throws {
        store = SQLiteOrderStore(database: try memoryDatabase())
        accept = AcceptOrder(
            store: store, state: state, relay: relay, clock: FakeClock(),
            random: SeededRandom(seed: 1), counters: counters)
    }

    @Test func `every request gets a correlation id of its own`() throws {
        let first = try prepare(key: nil)
        let second = try prepare(key: nil)
        #expect(first.correlation != second.correlation)
        #expect(first.idempotency == nil)
    }

    @Test(arguments: ["k", "!~", String(repeating: "k", count: 64)])
    func `keys of 1 to 64 visible characters are taken`(key: String) throws {
        #expect(try prepare(key: key).idempotency?.key == key)
    }

    @Test(arguments: ["", "a b", "\t", "é", "\u{7F}", String(repeating: "k", count: 65)])
    func `other keys are refused`(key: String) {
        let error = #expect(throws: ValidationErrors.self) { try prepare(key: key) }
        #expect(error?.entries.map(\.key) == ["Idempotency-Key"])
    }

    @Test func `a subject longer than its column is refused`() {
        #expect(throws: ValidationErrors.self) {
            try accept.prepare(
                draft, user: String(repeating: "u", count: 65), idempotencyKey: nil,
                traceparent: nil)
        }
    }

    @Test func `the digest tells different orders apart and equal ones not`() throws {
        func digest(_ lines: (String, Int64)...) throws -> [UInt8]? {
            let items = lines.map { OrderDraft.Item(productID: $0.0, quantity: $0.1) }
            return try accept.prepare(
                OrderDraft(items: items), user: "u", idempotencyKey: "k", traceparent: nil
            ).idempotency?.bodyDigest
        }
        #expect(try digest(("a", 1), ("b", 2)) == digest(("a", 1), ("b", 2)))
        #expect(try digest(("a", 1), ("b", 2)) != digest(("b", 2), ("a", 1)))
        #expect(try digest(("a", 11)) != digest(("a", 1), ("1", 1)))
        #expect(try digest(("a*1;1:b", 1)) != digest(("a", 1), ("b", 1)))
    }

    @Test func `after the commit owner and status are known and the relay is awake`() throws {
        let request = try prepare(key: "k")

        let outcomes = try accept.commit([request, try prepare(key: "k")])

        #expect(outcomes.compactMap(\.order).count == 2)
        #expect(try state.owner(request.correlation) == "u")
        #expect(try state.status(request.correlation)?.status == .accepted)
        #expect(counters.accepted.value == 1 && counters.repeated.value == 1)
        let before = SystemTime().monotonicNow
        relay.wait(atMost: .seconds(60))
        #expect(before.duration(to: SystemTime().monotonicNow) < .seconds(30))
    }

    @Test func `a workflow state that is away fails no order`() throws {
        state.setAway(true)
        #expect(try accept.commit([try prepare(key: nil)])[0].order != nil)
    }

    private func prepare(key: String?) throws(ValidationErrors) -> AcceptRequest {
        try accept.prepare(draft, user: "u", idempotencyKey: key, traceparent: nil)
    }
}

@Suite("AcceptQueue") struct AcceptQueueTests {
    let store: FaultyStore
    let counters = OrderCounters()

    init() throws {
        store = FaultyStore(SQLiteOrderStore(database: try memoryDatabase()))
    }

    @Test func `all that wait go into one commit`() {
        let queue = make()
        let results = Monitor([Int64]())
        for number: UInt64 in 1...20 { #expect(submit(number, to: queue, results)) }

        #expect(queue.step(wait: .zero) == .worked(20))

        #expect(results.withLock { $0 } == Array(21...40))
        #expect(counters.acceptCommits.value == 1)
        #expect(queue.step(wait: .zero) == .idle)
    }

    @Test func `a full queue refuses and says so`() {
        var limits = AcceptQueue.Limits()
        limits.waitingCountMax = 2
        let queue = make(limits)
        let results = Monitor([Int64]())

        #expect(submit(1, to: queue, results) && submit(2, to: queue, results))
        #expect(!submit(3, to: queue, results))
        #expect(counters.intakeRefused.value == 1)
    }

    @Test func `a store that is away fails all that wait, and nothing is left behind`() throws {
        let queue = make()
        let results = Monitor([Int64]())
        store.failNext(1, with: .unavailable("away"))
        _ = submit(1, to: queue, results)
        _ = submit(2, to: queue, results)

        _ = queue.step(wait: .zero)

        #expect(results.withLock { $0 } == [-1, -1])
        #expect(try store.outboxDepth() == 0)
    }

    @Test func `a commit that breaks is taken apart, so that the others get theirs`() {
        let queue = make()
        let results = Monitor([Int64]())
        // The batch fails, then the first request alone; the other two succeed.
        store.failNext(2, with: .failed("broken"))
        for number: UInt64 in 1...3 { _ = submit(number, to: queue, results) }

        _ = queue.step(wait: .zero)

        #expect(results.withLock { $0 } == [-1, 21, 22])
    }

    @Test func `a stopped thread has committed what was waiting, and takes no more`() {
        let queue = make()
        let results = Monitor([Int64]())
        let thread = RoleThread(name: "accept") { queue }
        thread.start()
        for number: UInt64 in 1...50 { #expect(submit(number, to: queue, results)) }

        thread.stop()
        thread.join()

        #expect(results.withLock { $0.count } == 50)
        #expect(!submit(51, to: queue, results))
    }

    @Test func `a request that waited too long is refused and not committed`() throws {
        let clock = FakeClock()
        let queue = make(time: clock)
        let results = Monitor([Int64]())
        _ = submit(1, to: queue, results)
        clock.advance(by: .milliseconds(2001))
        _ = submit(2, to: queue, results)

        #expect(queue.step(wait: .zero) == .worked(2))

        #expect(results.withLock { $0 } == [-1, 21])
        #expect(counters.intakeRefused.value == 1)
    }

    private func make(
        _ limits: AcceptQueue.Limits = AcceptQueue.Limits(), time: any TimeSource = SystemTime()
    ) -> AcceptQueue {
        AcceptQueue(
            acceptOrder: AcceptOrder(
                store: store, state: FakeWorkflowState(), relay: WakeSignal(),
                clock: FakeClock(), counters: counters),
            limits: limits, counters: counters, time: time)
    }

    private func submit(
        _ number: UInt64, to queue: AcceptQueue, _ results: Monitor<[Int64]>
    ) -> Bool {
        queue.submit(.sample(number)) { result in
            let id = (try? result.get())?.order?.id ?? -1
            results.withLock { $0.append(id) }
        }
    }
}
