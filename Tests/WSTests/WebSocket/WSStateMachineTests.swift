import Loop
import Testing

@testable import WS

/// RFC 6455 §7: every input in every state.
@Suite struct WSStateMachineTests {
    private typealias Action = WSStateMachine.Action

    @Test func `an open connection is ended by each side, by a violation and by TCP`() {
        expect(
            .open, { $0.close(.goingAway) }, .sendCloseAndWait(.goingAway), .closeSent(.goingAway))
        expect(
            .open, { $0.receivedClose(.normal) },
            .sendCloseAndFinish(.normal, .closedByPeer(.normal)), .closed)
        expect(
            .open, { $0.received(.unmaskedFrame) },
            .sendCloseAndFinish(.protocolError, .failed(.unmaskedFrame)), .closed)
        expect(.open, { $0.peerClosed() }, .finish(.lost(.peerGone)), .closed)
        expect(
            .open, { $0.connectionEnded(.slowConsumer) }, .report(.lost(.slowConsumer)), .closed)
        expect(.open, { $0.closeTimedOut() }, .nothing, .open)
    }

    @Test func `after our Close frame no second one is sent, whatever comes`() {
        let sent = WSStateMachine.State.closeSent(.goingAway)
        let ending = WSEnding.closedByUs(.goingAway)

        expect(sent, { $0.close(.normal) }, .nothing, sent)
        expect(sent, { $0.receivedClose(.normal) }, .finish(ending), .closed)
        expect(sent, { $0.received(.invalidUTF8) }, .finish(ending), .closed)
        expect(sent, { $0.closeTimedOut() }, .cut(ending), .closed)
        expect(sent, { $0.peerClosed() }, .finish(ending), .closed)
        expect(sent, { $0.connectionEnded(.peerGone) }, .report(ending), .closed)
    }

    @Test func `a closed connection answers nothing`() {
        expect(.closed, { $0.close(.normal) }, .nothing, .closed)
        expect(.closed, { $0.receivedClose(.normal) }, .nothing, .closed)
        expect(.closed, { $0.received(.invalidUTF8) }, .nothing, .closed)
        expect(.closed, { $0.closeTimedOut() }, .nothing, .closed)
        expect(.closed, { $0.peerClosed() }, .nothing, .closed)
        expect(.closed, { $0.connectionEnded(.peerGone) }, .nothing, .closed)
    }

    @Test func `an ending has the code a browser would show`() {
        #expect(WSEnding.closedByPeer(.noStatus).code == .noStatus)
        #expect(WSEnding.closedByUs(.goingAway).code == .goingAway)
        #expect(WSEnding.failed(.messageTooLarge).code == .messageTooBig)
        #expect(WSEnding.lost(.peerGone).code == .abnormal)
    }

    private func expect(
        _ state: WSStateMachine.State, _ input: (inout WSStateMachine) -> Action,
        _ action: Action, _ next: WSStateMachine.State,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var machine = WSStateMachine()
        if case .closeSent(let code) = state { _ = machine.close(code) }
        if state == .closed { _ = machine.receivedClose(.normal) }
        #expect(machine.state == state, sourceLocation: sourceLocation)

        let result = input(&machine)

        #expect(result == action, sourceLocation: sourceLocation)
        #expect(machine.state == next, sourceLocation: sourceLocation)
    }
}
