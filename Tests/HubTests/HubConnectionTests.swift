import Loop
import Testing
import TestSupport

@testable import Hub

private let error = #"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#
private let normal = WebSocketClient.Frame(opcode: 8, payload: [0x03, 0xE8])

@Suite("HubConnection") struct HubConnectionTests {
    // MARK: Handshake

    @Test func `a handshake of single bytes in single frames is answered`() throws {
        let hub = try HubHarness()
        let client = try hub.open()
        for byte in Array("{\"protocol\":\"json\",\"version\":1}\u{1E}".utf8) {
            try client.send(client.frame(opcode: 1, [byte]))
        }
        #expect(try client.receiveRecord() == "{}")
        #expect(try client.call("Nothing") == #"{"type":3,"invocationId":"1","result":null}"#)
    }

    @Test func `calls in the same message as the handshake are answered behind it`() throws {
        let hub = try HubHarness()
        let client = try hub.open()
        try client.send(
            "{\"protocol\":\"json\",\"version\":1}\u{1E}"
                + "{\"type\":1,\"invocationId\":\"a\",\"target\":\"Echo\",\"arguments\":[1]}\u{1E}"
                + "{\"type\":1,\"invocationId\":\"b\",\"target\":\"Echo\",\"arguments\":[2]}\u{1E}")
        #expect(try client.receiveRecord() == "{}")
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"a","result":1}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"b","result":2}"#)
    }

    @Test(arguments: [
        (#"{"protocol":"x","version":1}"#, "The protocol 'x' is not supported."),
        ("{\"type\":6}", "An unexpected error occurred during connection handshake."),
    ])
    func `a bad handshake is told and closed with 1000`(request: String, text: String) throws {
        let hub = try HubHarness()
        let client = try hub.open()
        try client.send(request + "\u{1E}")
        #expect(try client.receiveRecord() == "{\"error\":\"\(text)\"}")
        #expect(try client.receive() == normal)
        #expect(hub.ends.update { $0 }.isEmpty)
    }

    @Test func `a late handshake is cancelled`() throws {
        var options = HubOptions()
        options.handshakeTimeout = .milliseconds(50)
        let hub = try HubHarness(options: options)
        let client = try hub.open()
        #expect(try client.receiveRecord() == #"{"error":"Handshake was canceled."}"#)
        #expect(try client.receive() == normal)
    }

    @Test func `a handshake longer than the limit is cancelled`() throws {
        let hub = try HubHarness()
        let client = try hub.open()
        try client.send(String(repeating: "x", count: 32 * 1024 + 1))
        #expect(try client.receiveRecord() == #"{"error":"Handshake was canceled."}"#)
    }

    @Test func `the limit is the request's, not that of what follows`() throws {
        let hub = try HubHarness()
        let client = try hub.open()
        let pings = String(repeating: "{\"type\":6}\u{1E}", count: 4000)
        try client.send("{\"protocol\":\"json\",\"version\":1}\u{1E}" + pings)
        #expect(try client.receiveRecord() == "{}")
        #expect(try client.call("Nothing").contains("null"))
    }

    // MARK: Calls

    @Test func `each kind of outcome comes back`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        let base = "An unexpected error occurred invoking"
        #expect(try client.call("echo", "{\"a\":[1.50]}").hasSuffix(#""result":{"a":[1.50]}}"#))
        #expect(
            try client.call("Refuse").contains("\(base) 'Refuse' on the server. HubException: no"))
        #expect(try client.call("Forget").contains("\(base) 'Forget' on the server.\""))
        #expect(try client.call("Nope").contains("HubException: Method does not exist."))
        #expect(try client.call("Echo").contains("Failed to invoke 'Echo' due to an error"))
        #expect(try client.call("Name", "1").contains("Failed to invoke 'Name' due to an error"))
        #expect(try client.call("Name", "\"x\"").hasSuffix(#""result":"x"}"#))
    }

    @Test func `without an id nothing is answered and the connection lives`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        for target in ["Echo", "Nope", "Refuse", "Forget", "Nothing"] {
            try client.send("{\"type\":1,\"target\":\"\(target)\",\"arguments\":[]}\u{1E}")
        }
        #expect(
            try client.call("Echo", "7", id: "x") == #"{"type":3,"invocationId":"x","result":7}"#)
    }

    @Test func `messages that name nothing of ours are ignored`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        for record in [
            "{\"type\":42}", "{\"type\":5,\"invocationId\":\"9\"}",
            "{\"type\":2,\"invocationId\":\"9\",\"item\":1}", "{\"type\":3,\"invocationId\":\"9\"}",
            "{\"type\":8,\"sequenceId\":1}", "{\"type\":9,\"sequenceId\":1}", "{\"type\":6}",
        ] { try client.send(record + "\u{1E}") }
        #expect(try client.call("Echo", "1").hasSuffix("\"result\":1}"))
    }

    @Test func `a call waits for the one before it, however long that takes`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        try client.send(
            "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Hold\",\"arguments\":[]}\u{1E}"
                + "{\"type\":1,\"invocationId\":\"2\",\"target\":\"Echo\",\"arguments\":[2]}\u{1E}{\"ty"
        )
        try client.send("pe\":1,\"invocationId\":\"3\",\"target\":\"Hold\",\"arguments\":[]}\u{1E}")
        try client.send(
            "{\"type\":1,\"invocationId\":\"4\",\"target\":\"Echo\",\"arguments\":[4]}\u{1E}")

        hub.held(1)[0].result(json("1"))
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"1","result":1}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"2","result":2}"#)
        hub.held(2)[1].void()
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"3","result":null}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"4","result":4}"#)
    }

    @Test func `what a method sends to its caller arrives behind the completion`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        #expect(try client.call("Again") == #"{"type":3,"invocationId":"1","result":null}"#)
        #expect(
            try client.receiveRecord()
                == #"{"type":1,"target":"Notification","arguments":["again"]}"#)
    }

    @Test func `an answer to a connection that is gone harms nobody`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        try client.send(
            "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Hold\",\"arguments\":[]}\u{1E}")
        let reply = hub.held(1)[0]
        try client.close()
        #expect(hub.ends(1) == [.clientGone])
        reply.void()
        #expect(try hub.connect().call("Nothing").contains("null"))
    }

    // MARK: Limits and violations

    @Test(arguments: [(32 * 1024, true), (32 * 1024 + 1, false)])
    func `a message of exactly the limit passes`(size: Int, passes: Bool) throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        let frame = #"{"type":1,"invocationId":"1","target":"Nothing","arguments":[],"x":""}"#
        let filler = String(repeating: "y", count: size - frame.utf8.count - 1)
        let small =
            "{\"type\":1,\"invocationId\":\"0\",\"target\":\"Nothing\",\"arguments\":[]}\u{1E}"

        try client.send(small + frame.dropLast(2) + filler + "\"}\u{1E}")

        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"0","result":null}"#)
        let record = try client.receiveRecord()
        #expect(record == (passes ? #"{"type":3,"invocationId":"1","result":null}"# : error))
        if !passes {
            #expect(try client.receive() == normal)
            #expect(hub.ends(1) == [.protocolViolation(.recordTooLong(byteCountMax: 32 * 1024))])
        }
    }

    @Test(arguments: ["null", "{}", "", "{\"type\":1}", "{"])
    func `a malformed record closes with leave to reconnect`(record: String) throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        try client.send(record + "\u{1E}")
        #expect(try client.receiveRecord() == error)
        #expect(try client.receive() == normal)
        #expect(hub.ends(1).count == 1)
    }

    // MARK: The end

    @Test func `a client's close is answered and told to the hub`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        try client.send("{\"type\":7,\"error\":\"x\"}\u{1E}")
        #expect(try client.receiveRecord() == "{\"type\":7}")
        #expect(try client.receive() == normal)
        #expect(hub.ends(1) == [.closedByClient(error: "x")])
    }

    @Test func `a client that goes inside a message broke the protocol`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        try client.send("{\"type\":")
        try client.close()
        #expect(hub.ends(1) == [.protocolViolation(.terminatedInsideRecord)])
    }

    @Test func `a client that vanishes is lost`() throws {
        let hub = try HubHarness()
        do {
            let client = try hub.connect()
            client.stream.resetOnClose()
        }
        #expect(hub.ends(1) == [.connectionLost])
    }

    @Test func `a hub that aborts closes without an error`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        try client.send("{\"type\":1,\"target\":\"Abort\",\"arguments\":[]}\u{1E}")
        #expect(try client.receiveRecord() == "{\"type\":7}")
        #expect(try client.receive() == normal)
        #expect(hub.ends(1) == [.aborted])
    }

    @Test(arguments: [
        (ConnectDecision.fail, #"{"type":7,"error":"Connection closed with an error."}"#),
        (.abort, "{\"type\":7}"),
    ])
    func `a hub may refuse a connection behind its handshake`(
        decision: ConnectDecision, record: String
    ) throws {
        let hub = try HubHarness(onConnected: { _ in decision })
        let client = try hub.connect()
        #expect(try client.receiveRecord() == record)
        #expect(try client.receive() == normal)
        #expect(hub.ends.update { $0 }.isEmpty)
    }

    @Test func `what the hub sends while connecting arrives behind the handshake`() throws {
        let hub = try HubHarness(onConnected: { caller in
            caller.send("Hello", [])
            return .accept
        })
        let client = try hub.connect()
        #expect(try client.receiveRecord() == #"{"type":1,"target":"Hello","arguments":[]}"#)
    }

    @Test func `messages wait until the backplane listens`() throws {
        let backplane = LateBackplane()
        let connected = Monitor(0)
        let hub = try HubHarness(
            backplane: backplane,
            onConnected: { _ in
                connected.update { $0 += 1 }
                return .accept
            })
        let client = try hub.open()
        try client.send(
            "{\"protocol\":\"json\",\"version\":1}\u{1E}"
                + #"{"arguments":[],"invocationId":"1","target":"Nothing","type":1}"# + "\u{1E}")
        let ready = try #require(backplane.nextReady())
        #expect(connected.withLock { $0 } == 0)
        ready()
        #expect(try client.receiveRecord() == "{}")
        #expect(try client.receiveRecord().contains("null"))
        #expect(connected.withLock { $0 } == 1)
    }

    @Test func `a handshake is not answered before the backplane listens`() throws {
        let backplane = LateBackplane()
        var options = HubOptions()
        options.drainPeriod = .milliseconds(100)
        let hub = try HubHarness(options: options, backplane: backplane)
        let client = try hub.open()
        try client.send("{\"protocol\":\"json\",\"version\":1}\u{1E}")
        _ = try #require(backplane.nextReady())

        let isEmpty = try hub.drain {
            #expect(try client.receiveRecord() == #"{"error":"Handshake was canceled."}"#)
            #expect(try client.receive() == normal)
            try client.close()
        }

        #expect(isEmpty)
    }

    @Test func `a shutdown lets every client come back`() throws {
        var options = HubOptions()
        options.drainPeriod = .milliseconds(100)
        let hub = try HubHarness(options: options)
        let clients = try (0..<5).map { _ in try hub.connect() }
        let shaking = try hub.open()

        let isEmpty = try hub.drain {
            for client in clients {
                #expect(try client.receiveRecord() == #"{"type":7,"allowReconnect":true}"#)
                #expect(try client.receive() == normal)
                try client.close()
            }
            #expect(try shaking.receiveRecord() == #"{"error":"Handshake was canceled."}"#)
            #expect(try shaking.receive() == normal)
            try shaking.close()
        }

        #expect(isEmpty)
        #expect(hub.ends(5) == Array(repeating: .shutdown, count: 5))
    }

    // MARK: Time

    @Test func `an idle client is pinged, and given up when it has pinged and is silent`() throws {
        var options = HubOptions()
        options.keepAliveInterval = .milliseconds(100)
        options.clientTimeout = .milliseconds(250)
        let hub = try HubHarness(options: options)
        let silent = try hub.connect()
        let pinging = try hub.connect()
        try pinging.send("{\"type\":6}\u{1E}")

        // How many there are is the machine's business.
        var last = try pinging.receiveRecord()
        #expect(last == "{\"type\":6}")
        while last == "{\"type\":6}" { last = try pinging.receiveRecord() }
        #expect(last == error)
        for _ in 0..<4 { #expect(try silent.receiveRecord() == "{\"type\":6}") }
        #expect(hub.ends(1) == [.clientTimedOut])
    }

    @Test func `a connection ends with its token`() throws {
        let hub = try HubHarness(expiresIn: .milliseconds(100))
        let client = try hub.connect()
        #expect(try client.receiveRecord() == #"{"type":7,"allowReconnect":true}"#)
        #expect(hub.ends(1) == [.authenticationExpired])
    }
}

/// Listens when the test says so.
private final class LateBackplane: BackplaneDouble {
    private let waiting = Monitor<[@Sendable () -> Void]>([])
    let isAvailable = true

    func nextReady() -> (@Sendable () -> Void)? {
        waiting.wait(atMost: .seconds(30)) { $0.isEmpty ? nil : $0.removeFirst() }
    }

    func start(_ receive: @escaping @Sendable (BackplaneEvent) -> Void) {}
    func publish(
        _ invocation: EncodedInvocation, to target: HubTarget,
        accepted: @escaping @Sendable (BackplaneError?) -> Void
    ) { accepted(nil) }
    func subscribe(to scopes: [BackplaneScope], ready: @escaping @Sendable () -> Void) {
        waiting.update { $0.append(ready) }
    }
    func unsubscribe(from scopes: [BackplaneScope]) {}
    func apply(
        _ change: GroupChange, done: @escaping @Sendable (BackplaneError?) -> Void
    ) { done(nil) }
}
