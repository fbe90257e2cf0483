import Loop
import Testing
import TestSupport
import WS

@testable import Hub

@Suite("HubStateMachine") struct HubStateMachineTests {
    private let clock = FakeClock()
    private var now: MonotonicInstant { clock.monotonicNow }

    // MARK: Handshake

    @Test func `a good handshake leads through the backplane to an active connection`() {
        var machine = make()

        #expect(machine.handshakeReceived(.success(.json)) == .subscribe(.json))
        #expect(!machine.canRead)
        #expect(machine.subscribed(at: now) == .connect)
        #expect(!machine.canRead && machine.canSend)
        #expect(machine.decided(.accept) == .read)
        #expect(machine.canRead && machine.isActive)
    }

    @Test func `a bad handshake is answered and ends the connection without the hub`() {
        var machine = make()
        let error = HandshakeError.unsupportedProtocol("x")

        #expect(machine.handshakeReceived(.failure(error)) == .refuseHandshake(error))
        #expect(!machine.isOpen)
        #expect(end(&machine) == .nothing)
    }

    @Test(arguments: [(14_999, false), (15_000, true)])
    func `a handshake has 15 seconds`(milliseconds: Int, isLate: Bool) {
        var machine = make()
        #expect(machine.deadline == now.advanced(by: .seconds(15)))

        clock.advance(by: .milliseconds(milliseconds))

        #expect(
            machine.timerFired(at: now) == (isLate ? .refuseHandshake(.canceled) : .nothing))
    }

    @Test func `an oversized handshake and a shutdown cancel it`() {
        var tooLong = make()
        #expect(
            tooLong.violated(.recordTooLong(byteCountMax: 1)) == .refuseHandshake(.canceled))
        var draining = make()
        #expect(draining.drain() == .refuseHandshake(.canceled))
    }

    @Test func `a handshake without an answer is canceled by an expiry and a shutdown`() {
        let expiry = now.advanced(by: .seconds(10))
        for endsByTime in [true, false] {
            var machine = make(expiry: expiry)
            _ = machine.handshakeReceived(.success(.json))
            let action = endsByTime ? machine.timerFired(at: expiry) : machine.drain()
            #expect(action == .refuseHandshake(.canceled))
            #expect(machine.subscribed(at: now) == .nothing)
        }
    }

    @Test func `a transport that ends before the handshake is not told to the hub`() {
        var machine = make()
        #expect(end(&machine) == .finish(.handshakeFailed, tellsHub: false))
    }

    @Test func `a transport that ends while the backplane is asked is not told to the hub`() {
        var machine = make()
        _ = machine.handshakeReceived(.success(.json))

        #expect(end(&machine) == .finish(.clientGone, tellsHub: false))
        #expect(machine.subscribed(at: now) == .nothing)
    }

    @Test func `a hub that refuses the connection is not told of its end`() {
        for (decision, end) in [
            (ConnectDecision.fail, HubEnd.connectFailed(nil)), (.abort, .aborted),
        ] {
            var machine = connecting()
            #expect(machine.decided(decision) == .close(end, tellsHub: false))
        }
    }

    @Test func `a transport that ends while the hub decides is not told by the machine`() {
        var machine = connecting()
        #expect(end(&machine) == .finish(.clientGone, tellsHub: false))
        #expect(machine.decided(.accept) == .nothing)
    }

    // MARK: Time

    @Test func `long polling is not pinged`() {
        var machine = HubStateMachine(options: HubOptions(), now: now, sendsPings: false)
        _ = machine.handshakeReceived(.success(.json))
        _ = machine.subscribed(at: now)
        _ = machine.decided(.accept)
        #expect(machine.deadline == .distantFuture)
        #expect(machine.pingReceived(at: now) == .nothing)
        clock.advance(by: .seconds(29))
        #expect(machine.timerFired(at: now) == .nothing)
    }

    @Test func `a new proof of who the client is moves the expiry`() {
        let expiry = now.advanced(by: .seconds(10))
        var machine = active(expiry: expiry)
        machine.authenticated(until: expiry.advanced(by: .seconds(10)))
        clock.advance(by: .seconds(10))
        #expect(machine.timerFired(at: now) == .nothing)
        clock.advance(by: .seconds(10))
        #expect(machine.timerFired(at: now) == .close(.authenticationExpired, tellsHub: true))
    }

    @Test func `a ping goes out every 15 seconds`() {
        var machine = active()
        for _ in 0..<3 {
            #expect(machine.deadline == now.advanced(by: .seconds(15)))
            clock.advance(by: .milliseconds(14_999))
            #expect(machine.timerFired(at: now) == .nothing)
            clock.advance(by: .milliseconds(1))
            #expect(machine.timerFired(at: now) == .sendPing)
            #expect(machine.timerFired(at: now) == .nothing)
        }
    }

    @Test(arguments: [(7_499, false), (7_500, true), (15_900, true)])
    func `our ping goes with the client's once half of the interval is over`(
        milliseconds: Int, isDue: Bool
    ) {
        var machine = active()
        let begin = now
        #expect(machine.pingReceived(at: begin) == .nothing)

        clock.advance(by: .milliseconds(milliseconds))

        #expect(machine.pingReceived(at: now) == (isDue ? .sendPing : .nothing))
        #expect(machine.pingReceived(at: now) == .nothing)
        let last = isDue ? now : begin
        #expect(machine.deadline == last.advanced(by: .milliseconds(15_937) + .microseconds(500)))
    }

    @Test func `our ping waits a sixteenth of the interval for one that the client has due`() {
        var machine = active()
        #expect(machine.pingReceived(at: now) == .nothing)

        clock.advance(by: .milliseconds(15_937))
        #expect(machine.timerFired(at: now) == .nothing)
        clock.advance(by: .milliseconds(1))
        #expect(machine.timerFired(at: now) == .sendPing)
    }

    @Test func `it waits a second at most`() {
        var options = HubOptions()
        options.keepAliveInterval = .seconds(100)
        options.clientTimeout = .seconds(200)
        var machine = HubStateMachine(options: options, now: now)
        _ = machine.handshakeReceived(.success(.json))
        _ = machine.subscribed(at: now)
        _ = machine.decided(.accept)

        #expect(machine.pingReceived(at: now) == .nothing)
        #expect(machine.deadline == now.advanced(by: .seconds(101)))
    }

    @Test func `a client that never pings is never given up`() {
        var machine = active()
        for _ in 0..<20 {
            clock.advance(by: .seconds(15))
            #expect(machine.timerFired(at: now) == .sendPing)
        }
    }

    @Test func `one ping and then 30 seconds of silence end the connection`() {
        var machine = active()
        #expect(machine.pingReceived(at: now) == .nothing)

        #expect(pings(&machine, seconds: 29) == 1)
        clock.advance(by: .seconds(1))
        #expect(machine.timerFired(at: now) == .close(.clientTimedOut, tellsHub: true))
    }

    @Test func `any bytes reset the silence`() {
        var machine = active()
        #expect(machine.pingReceived(at: now) == .nothing)
        for _ in 0..<6 {
            clock.advance(by: .seconds(20))
            machine.bytesReceived(at: now)
            #expect(machine.timerFired(at: now) == .sendPing)
        }
    }

    @Test func `the silence is not counted while a method runs`() {
        var machine = active()
        #expect(machine.pingReceived(at: now) == .nothing)
        machine.invocationBegan()
        machine.invocationBegan()

        #expect(pings(&machine, seconds: 32) == 2)
        machine.invocationEnded(at: now)
        #expect(pings(&machine, seconds: 32) == 2)
        machine.invocationEnded(at: now)
        #expect(pings(&machine, seconds: 29) > 0)
        clock.advance(by: .seconds(1))
        #expect(machine.timerFired(at: now) == .close(.clientTimedOut, tellsHub: true))
    }

    @Test func `an expired token ends the connection, in the handshake too`() {
        let expiry = now.advanced(by: .seconds(10))
        var open = active(expiry: expiry)
        var shaking = make(expiry: expiry)
        #expect(open.deadline == expiry)
        #expect(shaking.deadline == expiry)

        clock.advance(by: .seconds(10))

        #expect(open.timerFired(at: now) == .close(.authenticationExpired, tellsHub: true))
        #expect(shaking.timerFired(at: now) == .refuseHandshake(.canceled))
    }

    // MARK: The end

    @Test func `each cause closes an active connection once and tells the hub`() {
        let causes: [(HubEnd, (inout HubStateMachine) -> HubStateMachine.Action)] = [
            (.closedByClient(error: nil), { $0.closeReceived(error: nil) }),
            (.closedByClient(error: "x"), { $0.closeReceived(error: "x") }),
            (.protocolViolation(.notAnObject), { $0.violated(.notAnObject) }),
            (.aborted, { $0.abort() }),
            (.shutdown, { $0.drain() }),
            (.retired, { $0.retire() }),
        ]
        for (expected, cause) in causes {
            var machine = active()
            let action = cause(&machine)
            #expect(action == .close(expected, tellsHub: true))
            #expect(machine.deadline == .distantFuture)
            for (_, second) in causes {
                let again = second(&machine)
                #expect(again == .nothing)
            }
            #expect(machine.timerFired(at: now) == .nothing)
            #expect(end(&machine) == .nothing)
        }
    }

    @Test func `a transport's end is told by how it ended`() {
        var orderly = active()
        #expect(end(&orderly) == .finish(.clientGone, tellsHub: true))
        var cut = active()
        #expect(
            cut.transportEnded(isOrderly: false, isInsideRecord: true)
                == .finish(.connectionLost, tellsHub: true))
        var partial = active()
        #expect(
            partial.transportEnded(isOrderly: true, isInsideRecord: true)
                == .finish(.protocolViolation(.terminatedInsideRecord), tellsHub: true))
    }

    @Test(
        arguments: [
            (.clientGone, #"{"type":7,"allowReconnect":true}"#),
            (.shutdown, #"{"type":7,"allowReconnect":true}"#),
            (.authenticationExpired, #"{"type":7,"allowReconnect":true}"#),
            (.aborted, #"{"type":7}"#), (.closedByClient(error: "x"), #"{"type":7}"#),
            (.connectFailed(nil), #"{"type":7,"error":"Connection closed with an error."}"#),
            (
                .clientTimedOut,
                #"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#
            ),
            (
                .protocolViolation(.notAnObject),
                #"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#
            ),
            (.handshakeFailed, nil),
        ] as [(HubEnd, String?)])
    func `the last message says what the client may do`(end: HubEnd, record: String?) throws {
        let message = end.closeMessage(withDetails: false)
        let bytes = try message.map { try HubProtocol.json.encode(.close($0)) }
        #expect(bytes == record.map { Array($0.utf8) + [0x1E] })
    }

    @Test func `details name the limit`() {
        let end = HubEnd.protocolViolation(.recordTooLong(byteCountMax: 32768))
        #expect(
            end.closeMessage(withDetails: true)?.error
                == "Connection closed with an error. InvalidDataException: The maximum message size "
                + "of 32768B was exceeded. The message size can be configured in AddHubOptions.")
    }

    private func make(expiry: MonotonicInstant? = nil) -> HubStateMachine {
        HubStateMachine(options: HubOptions(), now: now, expiry: expiry)
    }

    private func connecting(expiry: MonotonicInstant? = nil) -> HubStateMachine {
        var machine = make(expiry: expiry)
        _ = machine.handshakeReceived(.success(.json))
        _ = machine.subscribed(at: now)
        return machine
    }

    private func active(expiry: MonotonicInstant? = nil) -> HubStateMachine {
        var machine = connecting(expiry: expiry)
        _ = machine.decided(.accept)
        return machine
    }

    private func end(_ machine: inout HubStateMachine) -> HubStateMachine.Action {
        machine.transportEnded(isOrderly: true, isInsideRecord: false)
    }

    /// Lets the time pass second by second and counts the pings.
    private func pings(_ machine: inout HubStateMachine, seconds: Int) -> Int {
        var count = 0
        for _ in 0..<seconds {
            clock.advance(by: .seconds(1))
            let action = machine.timerFired(at: now)
            #expect(action == .sendPing || action == .nothing)
            if action == .sendPing { count += 1 }
        }
        return count
    }
}
