// Fakes: the ports with faults that a test switches on.

import Loop
import TestSupport

@testable import Services

/// The embedded state that can be away.
final class FakeWorkflowState: WorkflowState {
    private let kept: EmbeddedWorkflowState
    private let isAway = Monitor(false)

    init(clock: any TimeSource = FakeClock()) { kept = EmbeddedWorkflowState(clock: clock) }

    func setAway(_ away: Bool) { isAway.withLock { $0 = away } }

    private func check() throws(WorkflowStateError) {
        if isAway.withLock({ $0 }) { throw WorkflowStateError(reason: "away on purpose") }
    }

    func begin(_ orders: [(correlation: CorrelationID, user: String)]) throws(WorkflowStateError) {
        try check()
        kept.begin(orders)
    }
    func advance(_ changes: [(correlation: CorrelationID, status: WorkflowStatus)])
        throws(WorkflowStateError)
    {
        try check()
        kept.advance(changes)
    }
    func status(_ correlation: CorrelationID) throws(WorkflowStateError) -> WorkflowStatus? {
        try check()
        return kept.status(correlation)
    }
    func owners(_ correlations: [CorrelationID]) throws(WorkflowStateError) -> [String?] {
        try check()
        return kept.owners(correlations)
    }
    func claim(_ correlation: CorrelationID, for user: String) throws(WorkflowStateError)
        -> String
    {
        try check()
        return kept.claim(correlation, for: user)
    }
}

/// Notes every push; refuses while `failures` is above zero.
final class FakeNotifier: OrderNotifier {
    private struct State: Sendable {
        var pushes: [OrderPush] = []
        var pushesHere: [OrderPush] = []
        var failures = 0
    }
    private let state = Monitor(State())

    var pushes: [OrderPush] { state.withLock { $0.pushes } }
    /// Those for this process's connections only.
    var pushesHere: [OrderPush] { state.withLock { $0.pushesHere } }
    func failNext(_ count: Int) { state.withLock { $0.failures = count } }

    func notify(_ pushes: [OrderPush]) -> [NotifierError?] {
        pushes.map { push in
            state.withLock { state in
                if state.failures > 0 {
                    state.failures -= 1
                    return NotifierError(reason: "refused on purpose")
                }
                state.pushes.append(push)
                return nil
            }
        }
    }

    func notifyHere(_ push: OrderPush) { state.withLock { $0.pushesHere.append(push) } }
}

/// Faults before every blocking call of the store: a number of them, or as a seed decides.
final class FaultyStore: OrderStore {
    private let store: SQLiteOrderStore
    private let faults = Monitor([StoreError]())
    /// Asked before each call; nil lets it through.
    private let chance: (@Sendable () -> StoreError?)?

    init(_ store: SQLiteOrderStore, chance: (@Sendable () -> StoreError?)? = nil) {
        self.store = store
        self.chance = chance
    }

    func failNext(_ count: Int, with error: StoreError) {
        faults.withLock { $0 = Array(repeating: error, count: count) }
    }

    private func check() throws(StoreError) {
        if let error = faults.withLock({ $0.popLast() }) ?? chance?() { throw error }
    }

    func products(offset: Int, size: Int) throws(StoreError) -> Page<Product> {
        try check()
        return try store.products(offset: offset, size: size)
    }
    func product(externalID: String) throws(StoreError) -> Product? {
        try check()
        return try store.product(externalID: externalID)
    }
    func orders(of user: String, offset: Int, size: Int) throws(StoreError) -> Page<Order> {
        try check()
        return try store.orders(of: user, offset: offset, size: size)
    }
    func order(id: Int64, of user: String) throws(StoreError) -> Order? {
        try check()
        return try store.order(id: id, of: user)
    }
    func deleteOrder(id: Int64, by user: String) throws(StoreError) -> DeleteOutcome {
        try check()
        return try store.deleteOrder(id: id, by: user)
    }
    func orderState(_ correlation: CorrelationID) throws(StoreError) -> OrderState? {
        try check()
        return try store.orderState(correlation)
    }
    func completedOrders(
        of users: [String], since: WallTime
    ) throws(StoreError) -> [CompletedOrder] {
        try check()
        return try store.completedOrders(of: users, since: since)
    }
    func accept(_ requests: [AcceptRequest]) throws(StoreError) -> [AcceptOutcome] {
        try check()
        return try store.accept(requests)
    }
    func beginProcessing(_ correlations: [CorrelationID]) throws(StoreError) {
        try check()
        try store.beginProcessing(correlations)
    }
    func complete(_ events: [OrderAccepted], at time: WallTime) throws(StoreError)
        -> [ProcessOutcome]
    {
        try check()
        return try store.complete(events, at: time)
    }
    func outbox(limit: Int) throws(StoreError) -> [OutboxRow] {
        try check()
        return try store.outbox(limit: limit)
    }
    func markPublished(_ rows: [Int64]) throws(StoreError) {
        try check()
        try store.markPublished(rows)
    }
    func outboxDepth() throws(StoreError) -> Int { try store.outboxDepth() }
    func ping() throws(StoreError) { try check() }
}

/// A bus that fails before the broker has the messages, or after it has them.
final class FaultyBus: MessageBus {
    enum Fault: Sendable { case beforePublish, beforeConfirm }
    private let bus: EmbeddedBus
    private let chance: @Sendable () -> Fault?

    init(_ bus: EmbeddedBus, chance: @escaping @Sendable () -> Fault?) {
        self.bus = bus
        self.chance = chance
    }

    func publish(_ messages: [OutgoingMessage]) throws(BusError) {
        let fault = chance()
        if fault == .beforePublish { throw BusError(reason: "away on purpose") }
        try bus.publish(messages)
        if fault == .beforeConfirm { throw BusError(reason: "confirm lost on purpose") }
    }
    func consumer(of queue: String) throws(BusError) -> any MessageConsumer {
        if chance() != nil { throw BusError(reason: "away on purpose") }
        return bus.consumer(of: queue)
    }
    func depth(of queue: String) throws(BusError) -> Int { try bus.depth(of: queue) }
}
