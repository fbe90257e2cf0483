import Loop
import TestSupport
import Testing

@testable import Services

@Suite("OrderTracking") struct OrderTrackingTests {
    let store: FaultyStore
    let state = FakeWorkflowState()
    let tracking: OrderTracking
    let clock = FakeClock()
    let id = CorrelationID.numbered(1)

    init() throws {
        store = FaultyStore(SQLiteOrderStore(database: try memoryDatabase()))
        tracking = OrderTracking(store: store, state: state)
    }

    @Test func `registering an order nobody has binds it to the first user`() throws {
        #expect(tracking.register(id, by: "a") == nil)
        #expect(tracking.register(id, by: "b") == nil)

        #expect(try state.owner(id) == "a")
    }

    @Test func `a stranger cannot take an order whose state has expired`() throws {
        try accept()

        #expect(tracking.register(id, by: "stranger") == nil)

        #expect(try state.owner(id) == nil)
        #expect(tracking.register(id, by: "owner") == nil)
        #expect(try state.owner(id) == "owner")
    }

    @Test func `nobody becomes owner while the database is away`() throws {
        store.failNext(1, with: .unavailable("away"))
        #expect(tracking.register(id, by: "a") == nil)
        #expect(try state.owner(id) == nil)
    }

    @Test func `registering a completed order gives its owner what the push said, and when`() throws
    {
        try accept()
        try complete()

        let status = tracking.register(id, by: "owner")

        #expect(
            status == TrackedStatus(status: .completed, orderID: 21, completedAt: clock.wallNow))
        #expect(tracking.register(id, by: "stranger") == nil)
    }

    @Test func `an unknown order and a stranger's order look the same`() throws {
        try accept()
        try state.begin([(id, "owner")])

        #expect(try tracking.currentStatus(id, for: "stranger") == nil)
        #expect(try tracking.currentStatus(.numbered(9), for: "stranger") == nil)
    }

    @Test func `completed in the state is the answer without asking the database`() throws {
        try state.begin([(id, "owner")])
        try state.advance([(id, WorkflowStatus(status: .completed, orderID: 12345))])
        store.failNext(1, with: .failed("must not be asked"))

        let status = try tracking.currentStatus(id, for: "owner")

        #expect(status?.status == .completed && status?.orderID == 12345)
    }

    @Test func `the row is newer than a state that has not heard of the completion`() throws {
        try accept()
        try state.begin([(id, "owner")])
        try complete()

        #expect(try tracking.currentStatus(id, for: "owner")?.orderID == 21)
    }

    @Test func `without state the row answers, and before completion without an id`() throws {
        try accept()
        state.setAway(true)

        #expect(
            try tracking.currentStatus(id, for: "owner")
                == TrackedStatus(status: .accepted, orderID: nil, completedAt: nil))
    }

    @Test func `without a row the state answers, completed with no id included`() throws {
        try state.begin([(id, "owner")])
        #expect(try tracking.currentStatus(id, for: "owner")?.status == .accepted)

        try state.advance([(id, WorkflowStatus(status: .completed, orderID: nil))])

        let status = try tracking.currentStatus(id, for: "owner")
        #expect(status?.status == .completed && status?.orderID == nil)
    }

    @Test func `with the database away the state answers, and nothing at all is an error`() throws {
        try state.begin([(id, "owner")])
        store.failNext(2, with: .unavailable("away"))

        #expect(try tracking.currentStatus(id, for: "owner")?.status == .accepted)
        #expect(throws: StoreError.self) { try tracking.currentStatus(.numbered(9), for: "owner") }
    }

    private func accept() throws { _ = try store.accept([.sample(user: "owner")]) }

    private func complete() throws {
        let event = OrderAccepted(
            correlation: id, user: "owner",
            lines: [AcceptRequest.Line(productID: "AZ-700", quantity: 1)])
        _ = try store.complete([event], at: clock.wallNow)
    }
}
