import Testing

@testable import WS

@Suite struct HTTPStateMachineTests {
    private func responding(keepsAlive: Bool = true) -> HTTPStateMachine {
        var machine = HTTPStateMachine()
        machine.headBegan()
        machine.requestCompleted(keepsAlive: keepsAlive)
        return machine
    }

    @Test func `a connection goes from request to request while both sides keep it`() {
        var machine = responding()
        #expect(machine.willKeepAlive)
        #expect(machine.responseCompleted() == .readNext)
        #expect(machine.phase == .idle)
        machine.bodyBegan()
        machine.requestCompleted(keepsAlive: false)
        #expect(!machine.willKeepAlive)
        #expect(machine.responseCompleted() == .closeLingering)
        #expect(machine.phase == .closing)
    }

    @Test func `each phase has its deadline, and the first request the head's`() {
        var machine = HTTPStateMachine()
        #expect(machine.deadline == .head(request: 0))
        machine.headBegan()
        #expect(machine.deadline == .head(request: 0))
        machine.bodyBegan()
        #expect(machine.deadline == .bodyWindow(request: 0))
        machine.requestCompleted(keepsAlive: true)
        #expect(machine.deadline == .unlimited)
        _ = machine.responseCompleted()
        #expect(machine.deadline == .keepAlive(request: 1))
        machine.headBegan()
        #expect(machine.deadline == .head(request: 1))
    }

    @Test func `a late head is told so and an idle connection closes silently`() {
        var idle = HTTPStateMachine()
        #expect(idle.deadlinePassed() == .close)
        var reading = HTTPStateMachine()
        reading.headBegan()
        #expect(reading.deadlinePassed() == .refuse(.headTimeout))
        #expect(reading.refused() == .closeLingering)
        var answering = responding()
        #expect(answering.deadlinePassed() == .nothing)
    }

    @Test func `a peer that has closed gets the answers it waits for`() {
        var machine = responding()
        #expect(machine.peerClosed(hasUnread: false) == .nothing)
        #expect(machine.willKeepAlive)
        #expect(machine.responseCompleted() == .readNext)
        #expect(machine.inputEnded(hasUnread: true) == .nothing)
        #expect(machine.inputEnded(hasUnread: false) == .close)
    }

    @Test func `a peer that closes within a request, or between two, is closed`() {
        var reading = HTTPStateMachine()
        reading.headBegan()
        #expect(reading.peerClosed(hasUnread: false) == .close)
        var idle = HTTPStateMachine()
        #expect(idle.peerClosed(hasUnread: false) == .close)
        var pipelined = HTTPStateMachine()
        #expect(pipelined.peerClosed(hasUnread: true) == .nothing)
    }

    @Test func `a drain closes an idle connection at once and a busy one behind its answer`() {
        var idle = HTTPStateMachine()
        #expect(idle.drained() == .closeLingering)
        var busy = responding()
        #expect(busy.drained() == .nothing)
        #expect(!busy.willKeepAlive)
        #expect(busy.responseCompleted() == .closeLingering)
        var reading = HTTPStateMachine()
        reading.headBegan()
        #expect(reading.drained() == .nothing)
        reading.requestCompleted(keepsAlive: true)
        #expect(!reading.willKeepAlive)
    }

    @Test func `an upgraded connection is no longer ours`() {
        var machine = responding()
        machine.upgraded()
        #expect(!machine.isReading)
        #expect(machine.deadline == .unlimited)
        #expect(machine.deadlinePassed() == .nothing)
    }
}
