import Loop
import Testing
import TestSupport

@testable import Services

/// What every workflow state must do, whatever keeps it.
@Suite("WorkflowState contract", .timeLimit(.minutes(2))) struct WorkflowStateContractTests {
    // The server is shared by all tests: each has orders of its own.
    private let id = CorrelationID(from: SystemRandom())
    private let other = CorrelationID(from: SystemRandom())

    private func accepted() -> WorkflowStatus { WorkflowStatus(status: .accepted, orderID: nil) }
    private func processing() -> WorkflowStatus {
        WorkflowStatus(status: .processing, orderID: nil)
    }
    private func completed(_ id: Int64?) -> WorkflowStatus {
        WorkflowStatus(status: .completed, orderID: id)
    }

    @Test(arguments: StateEngine.available)
    func `a new order has its owner and is accepted`(engine: StateEngine) throws {
        let under = try engine.open()
        try under.state.begin([(id, "u"), (other, "käufer \"2\"")])

        #expect(try under.state.owner(id) == "u")
        #expect(try under.state.status(id) == accepted())
        #expect(try under.state.owner(other) == "käufer \"2\"")
    }

    @Test(arguments: StateEngine.available)
    func `the owners of many come in the order of the question`(engine: StateEngine) throws {
        let under = try engine.open()
        try under.state.begin([(id, "u"), (other, "v")])

        let unknown = CorrelationID.numbered(4711)
        #expect(try under.state.owners([other, unknown, id]) == ["v", nil, "u"])
        #expect(try under.state.owners([]) == [])
    }

    @Test(arguments: StateEngine.available)
    func `N22: an unknown order has neither owner nor status`(engine: StateEngine) throws {
        let under = try engine.open()
        #expect(try under.state.owner(id) == nil)
        #expect(try under.state.status(id) == nil)
    }

    @Test(arguments: StateEngine.available)
    func `P07 N07 N21: the status moves on to completed with the id`(engine: StateEngine) throws {
        let under = try engine.open()
        try under.state.begin([(id, "u")])

        try under.state.advance([(id, processing())])
        #expect(try under.state.status(id) == processing())
        try under.state.advance([(id, completed(42))])
        #expect(try under.state.status(id) == completed(42))
    }

    @Test(arguments: StateEngine.available)
    func `the status never moves back`(engine: StateEngine) throws {
        let under = try engine.open()
        try under.state.begin([(id, "u")])
        try under.state.advance([(id, completed(7))])

        try under.state.advance([(id, processing())])
        try under.state.advance([(id, accepted())])
        try under.state.begin([(id, "u")])

        #expect(try under.state.status(id) == completed(7))
    }

    @Test(arguments: StateEngine.available)
    func `what does not exist is not made by an advance`(engine: StateEngine) throws {
        let under = try engine.open()
        try under.state.advance([(id, completed(7)), (other, processing())])
        #expect(try under.state.status(id) == nil)
        #expect(try under.state.status(other) == nil)
        #expect(try under.state.owner(id) == nil)
    }

    @Test(arguments: StateEngine.available)
    func `a batch changes each of its orders`(engine: StateEngine) throws {
        let under = try engine.open()
        let ids = (0..<100).map { _ in CorrelationID(from: SystemRandom()) }
        try under.state.begin(ids.map { ($0, "u") })
        try under.state.advance(
            ids.enumerated().map { ($1, $0 % 2 == 0 ? processing() : completed(Int64($0))) })

        for (number, id) in ids.enumerated() {
            let expected = number % 2 == 0 ? processing() : completed(Int64(number))
            #expect(try under.state.status(id) == expected)
        }
    }

    @Test(arguments: StateEngine.available)
    func `nothing to do is no error`(engine: StateEngine) throws {
        let under = try engine.open()
        try under.state.begin([])
        try under.state.advance([])
    }

    @Test(arguments: StateEngine.available)
    func `N05 N10 N20: a claim takes what is free and tells the owner in force`(
        engine: StateEngine
    ) throws {
        let under = try engine.open()
        #expect(try under.state.claim(id, for: "a") == "a")
        #expect(try under.state.claim(id, for: "b") == "a")
        #expect(try under.state.owner(id) == "a")
        #expect(try under.state.status(id) == nil)
    }

    @Test(arguments: StateEngine.available)
    func `an order that begins after its claim belongs to who posted it`(
        engine: StateEngine
    ) throws {
        let under = try engine.open()
        _ = try under.state.claim(id, for: "early")
        try under.state.begin([(id, "poster")])
        #expect(try under.state.owner(id) == "poster")
        #expect(try under.state.status(id) == accepted())
    }
}
