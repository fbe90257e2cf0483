import Loop
import Testing
import TestSupport

@testable import Services

@Suite("EmbeddedWorkflowState") struct EmbeddedWorkflowStateTests {
    let clock = FakeClock()
    let id = CorrelationID.numbered(1)

    @Test func `a new order has its owner and is accepted`() {
        let state = make()
        state.begin([(id, "u")])

        #expect(state.owner(id) == "u")
        #expect(state.status(id) == WorkflowStatus(status: .accepted, orderID: nil))
        #expect(state.owner(.numbered(2)) == nil)
    }

    @Test func `the status moves on and never back`() {
        let state = make()
        state.begin([(id, "u")])

        state.advance([(id, WorkflowStatus(status: .completed, orderID: 7))])
        state.advance([(id, WorkflowStatus(status: .processing, orderID: nil))])

        #expect(state.status(id) == WorkflowStatus(status: .completed, orderID: 7))
    }

    @Test func `what does not exist is not made by an advance`() {
        let state = make()
        state.advance([(id, WorkflowStatus(status: .completed, orderID: 7))])
        #expect(state.status(id) == nil)
    }

    @Test func `an entry lives for its time after the last write, to the nanosecond`() {
        let state = make()
        state.begin([(id, "u")])
        clock.advance(by: .seconds(1799))
        state.advance([(id, WorkflowStatus(status: .processing, orderID: nil))])

        clock.advance(by: .seconds(1800) - .nanoseconds(1))
        #expect(state.owner(id) == "u")
        clock.advance(by: .nanoseconds(1))
        #expect(state.owner(id) == nil && state.status(id) == nil)
    }

    @Test func `a claim takes what is free and answers with the owner in force`() {
        let state = make()

        #expect(state.claim(id, for: "a") == "a")
        #expect(state.claim(id, for: "b") == "a")
        #expect(state.status(id) == nil)
        clock.advance(by: .seconds(1800))
        #expect(state.claim(id, for: "b") == "b")
    }

    @Test func `the oldest entry leaves when one too many comes`() {
        let state = make(entryCountMax: 3)
        for number: UInt64 in 1...4 { state.begin([(.numbered(number), "u")]) }

        #expect(state.entryCount == 3)
        #expect(state.owner(.numbered(1)) == nil)
        #expect(state.owner(.numbered(2)) == "u" && state.owner(.numbered(4)) == "u")
    }

    @Test func `expired entries are thrown out by later writes`() {
        let state = make()
        for number: UInt64 in 1...100 { state.begin([(.numbered(number), "u")]) }
        clock.advance(by: .seconds(1800))

        for number: UInt64 in 101...200 { state.begin([(.numbered(number), "u")]) }

        #expect(state.entryCount == 100)
    }

    @Test(
        arguments: [
            ("ACCEPTED", OrderStatus.accepted, nil), ("processing", .processing, nil),
            ("COMPLETED", .completed, nil), ("COMPLETED|12345", .completed, 12345),
            ("Completed|x", .completed, nil), ("COMPLETED|0", .completed, nil),
        ] as [(String, OrderStatus, Int64?)])
    func `stored words are read in any case`(text: String, status: OrderStatus, id: Int64?) {
        #expect(WorkflowStatus(text: text) == WorkflowStatus(status: status, orderID: id))
    }

    @Test(arguments: ["", "DONE", "ACCEPTED|1", " COMPLETED", "|"])
    func `other words mean nothing`(text: String) {
        #expect(WorkflowStatus(text: text) == nil)
    }

    @Test func `the completed word carries the id`() {
        #expect(WorkflowStatus(status: .completed, orderID: 42).text == "COMPLETED|42")
        #expect(WorkflowStatus(status: .processing, orderID: nil).text == "PROCESSING")
    }

    private func make(entryCountMax: Int = 1000) -> EmbeddedWorkflowState {
        var settings = EmbeddedWorkflowState.Settings()
        settings.entryCountMax = entryCountMax
        return EmbeddedWorkflowState(settings: settings, clock: clock)
    }
}
