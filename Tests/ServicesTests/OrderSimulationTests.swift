// OrderSimulationTests: the whole path from POST to push in one thread, with seeded faults.
//
//   clients ─▶ AcceptQueue ─▶ outbox ─▶ OutboxRelay ─▶ bus ─▶ ProcessOrder ─▶ … ─▶ NotifyOrder ─▶ pushes
//
// Each tick a seed picks which role makes a step and what fails in it: the database before or after
// its commit is asked for, the bus before the publish or before the confirm, the state, the notifier;
// or the whole process dies between two steps and starts again with nothing but its database. Then
// the faults end, and the invariants of the end-to-end checker must hold.

import Loop
import TestSupport
import Testing

@testable import Services

@Suite("Order simulation") struct OrderSimulationTests {
    @Test(arguments: 0..<200)
    func `nothing is lost and nothing happens twice, whatever fails`(seed: Int) throws {
        let world = try SimulatedWorld(seed: UInt64(seed))

        for _ in 0..<150 { world.tick() }
        try world.heal()

        try world.checkInvariants()
    }

    @Test func `the faults do bite`() throws {
        var sums = SimulatedWorld.Bites()
        for seed: UInt64 in 0..<20 {
            let world = try SimulatedWorld(seed: seed)
            for _ in 0..<150 { world.tick() }
            try world.heal()
            sums.add(world.bites)
        }
        #expect(sums.crashes > 20)
        #expect(sums.pauses > 50)
        #expect(sums.unanswered > 5)
        #expect(sums.repeatedEvents > 5)
    }
}

/// One process after another on one database.
private final class SimulatedWorld {
    struct Bites {
        var crashes = 0
        var pauses = 0
        /// Requests whose client never heard an answer.
        var unanswered = 0
        var repeatedEvents = 0
        mutating func add(_ other: Bites) {
            crashes += other.crashes
            pauses += other.pauses
            unanswered += other.unanswered
            repeatedEvents += other.repeatedEvents
        }
    }

    /// What a client knows: it repeats an attempt with the same key until it has an answer.
    private struct Attempt: Sendable {
        let key: String
        let user: String
        let quantity: Int32
        var orders: [Order] = []
    }

    private let clock = FakeClock()
    private let random: SeededRandom
    private let faultRandom: SeededRandom
    private let isFaulty = Monitor(true)
    private let database: SQLiteDatabase
    private let notifier = FakeNotifier()
    private var attempts: [Attempt] = []
    private let answers = Monitor([(attempt: Int, order: Order)]())
    private(set) var bites = Bites()

    // What dies with a process.
    private var counters = OrderCounters()
    private var queue: AcceptQueue?
    private var prepare: AcceptOrder?
    private var roles: [any SteppedRole] = []
    private var waiting: Set<Int> = []

    init(seed: UInt64) throws {
        random = SeededRandom(seed: seed)
        faultRandom = SeededRandom(seed: seed &+ 0x5EED)
        database = try memoryDatabase()
        start()
    }

    /// A new process: everything but the database is empty.
    private func start() {
        let chance = self.chance
        let store = FaultyStore(SQLiteOrderStore(database: database)) {
            chance(10) ? .unavailable("simulated") : nil
        }
        let bus = FaultyBus(EmbeddedBus(database: database, clock: clock)) {
            chance(16) ? .beforePublish : chance(16) ? .beforeConfirm : nil
        }
        let state = FakeWorkflowState(clock: clock)
        state.setAway(chance(3))
        let signal = WakeSignal()
        counters = OrderCounters()
        let accept = AcceptOrder(
            store: store, state: state, relay: signal, clock: clock, random: random,
            counters: counters)
        let queue = AcceptQueue(acceptOrder: accept, counters: counters)
        prepare = accept
        self.queue = queue
        roles = [
            queue,
            OutboxRelay(store: store, bus: bus, signal: signal, random: random, counters: counters),
            QueueWorker(
                bus: bus, queue: "order.accepted",
                handler: ProcessOrder(
                    store: store, state: state, relay: signal, clock: clock, counters: counters),
                random: random, counters: counters),
            QueueWorker(
                bus: bus, queue: "order.processed",
                handler: NotifyOrder(
                    store: store, state: state, notifier: notifier, counters: counters),
                random: random, counters: counters),
        ]
    }

    private var chance: @Sendable (UInt64) -> Bool {
        { [faultRandom, isFaulty] oneIn in
            isFaulty.withLock { $0 } && faultRandom.below(oneIn) == 0
        }
    }

    func tick() {
        switch random.below(10) {
        case 0, 1: post(newAttempt())
        case 2: repeatUnanswered()
        case 3: clock.advance(by: .milliseconds(Int64(random.below(3000))))
        default:
            if chance(6) { notifier.failNext(1) }
            let role = roles[Int(random.below(UInt64(roles.count)))]
            // A crash leaves what the step has done and loses what its thread still knew.
            if case .paused = role.step(wait: .zero) { bites.pauses += 1 }
            if chance(12) { crash() }
        }
        deliverAnswers()
    }

    private func crash() {
        bites.crashes += 1
        // Committed or not, these clients hear nothing: half of the answers die on the way too.
        if chance(2) { answers.withLock { $0 = [] } }
        bites.unanswered += waiting.count
        waiting = []
        countBites()
        roles = []
        start()
    }

    private func countBites() { bites.repeatedEvents += counters.duplicates.value }

    private func newAttempt() -> Int {
        let number = attempts.count
        attempts.append(
            Attempt(
                key: "key-\(number)", user: "user-\(random.below(5))",
                quantity: Int32(number + 1)))
        return number
    }

    private func post(_ number: Int) {
        let attempt = attempts[number]
        let draft = OrderDraft(items: [
            OrderDraft.Item(productID: "AZ-900", quantity: Int64(attempt.quantity)),
            OrderDraft.Item(productID: "AZ-104", quantity: 1),
        ])
        guard
            let request = try? prepare?.prepare(
                draft, user: attempt.user, idempotencyKey: attempt.key, traceparent: nil)
        else {
            Issue.record("a good draft was refused")
            return
        }
        waiting.insert(number)
        _ = queue?.submit(request) { [answers] result in
            // An error is an answer in doubt: the client will repeat the attempt.
            if let order = (try? result.get())?.order {
                answers.withLock { $0.append((number, order)) }
            }
        }
    }

    private func repeatUnanswered() {
        let open = attempts.indices.filter { attempts[$0].orders.isEmpty }
        if open.isEmpty { return }
        post(open[Int(random.below(UInt64(open.count)))])
    }

    private func deliverAnswers() {
        var arrived: [(attempt: Int, order: Order)] = []
        answers.withLock { swap(&arrived, &$0) }
        for answer in arrived {
            attempts[answer.attempt].orders.append(answer.order)
            waiting.remove(answer.attempt)
        }
    }

    /// Faults end; clients repeat what was not answered; everything runs until it is quiet.
    func heal() throws {
        isFaulty.withLock { $0 = false }
        notifier.failNext(0)
        countBites()
        start()
        for number in attempts.indices where attempts[number].orders.isEmpty { post(number) }
        // Quiet means idle for 30 s of simulated time, longer than any retry delay.
        var idleRounds = 0
        for _ in 0..<500 where idleRounds < 5 {
            let outcomes = roles.map { $0.step(wait: .zero) }
            idleRounds = outcomes.allSatisfy { $0 == .idle } ? idleRounds + 1 : 0
            deliverAnswers()
            clock.advance(by: .seconds(6))
        }
        #expect(idleRounds == 5, "it never became quiet")
        countBites()
    }

    func checkInvariants() throws {
        let store = SQLiteOrderStore(database: database)
        let rows = try database.read { (connection) throws(StoreError) in
            try connection.rows(
                """
                SELECT o.Id, o.CorrelationId, o.Status, c.ExternalCustomerId, sum(i.Quantity)
                FROM "Order" o JOIN Customer c ON c.Id = o.CustomerId
                JOIN OrderItem i ON i.OrderId = o.Id
                WHERE o.Id > 20 GROUP BY o.Id ORDER BY o.Id
                """
            ) { row in
                FoundOrder(
                    id: row.integer(0), correlation: row.text(1), status: row.text(2),
                    user: row.text(3), quantity: row.integer(4))
            }
        }
        // I1, I3, I4: every attempt was answered, always with the same order, as it was posted.
        for attempt in attempts {
            let first = try #require(attempt.orders.first)
            #expect(attempt.orders.allSatisfy { $0.id == first.id })
            #expect(attempt.orders.allSatisfy { $0.correlationID == first.correlationID })
            let row = rows.first { $0.correlation == first.correlationID }
            #expect(row?.id == first.id && row?.user == attempt.user)
            #expect(row?.quantity == Int64(attempt.quantity) + 1)
        }
        // I2, I6: no order twice, and none that nobody posted.
        #expect(rows.count == attempts.count)
        #expect(Set(rows.map(\.correlation)).count == rows.count)
        // I5: all are completed.
        #expect(rows.allSatisfy { $0.status == "COMPLETED" })
        // I7, I8, I9: told at least once, the true id, the right user and nobody else.
        for row in rows {
            let pushes = notifier.pushes.filter {
                $0.event.correlation.description == row.correlation
            }
            #expect(!pushes.isEmpty)
            #expect(pushes.allSatisfy { $0.user == row.user && $0.event.orderID == row.id })
        }
        // I10: drained.
        #expect(try store.outboxDepth() == 0)
        let bus = EmbeddedBus(database: database, clock: clock)
        for queue in ["order.accepted", "order.processed"] {
            #expect(try bus.depth(of: queue) == 0)
            #expect(try bus.depth(of: queue + ".dlq") == 0)
        }
    }

    private struct FoundOrder: Sendable {
        let id: Int64
        let correlation: String
        let status: String
        let user: String
        let quantity: Int64
    }
}
