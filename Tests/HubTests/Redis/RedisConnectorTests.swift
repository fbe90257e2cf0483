import Loop
import Testing
import TestSupport

@testable import Hub

/// Answers each command it receives with the next of its replies, one byte per tick; the character
/// U+0004 in a reply closes the connection.
private final class ScriptedServer: ConnectionHandler {
    private let script: [String]
    private var unsent: [UInt8] = []
    private var next = 0

    init(_ script: [String]) { self.script = script }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        // Commands come whole here: they are shorter than a segment and leave in one send.
        for _ in bytes.filter({ $0 == UInt8(ascii: "*") }) {
            if next < script.count { unsent += Array(script[next].utf8) }
            next += 1
        }
        timerFired(connection)
        return bytes.count
    }

    override func timerFired(_ connection: Connection) {
        guard !unsent.isEmpty else { return }
        let byte = unsent.removeFirst()
        if byte == 4 { return connection.closeAfterFlush() }
        connection.send([byte])
        connection.armTimer(after: .milliseconds(1))
    }
}

@Suite("RedisConnector", .timeLimit(.minutes(2))) struct RedisConnectorTests {
    private func server(_ script: [String]...) throws -> LoopHarness {
        let number = Monitor(0)
        return try LoopHarness { _ in
            let turn = number.update { count in
                defer { count += 1 }
                return count
            }
            return ScriptedServer(script[min(turn, script.count - 1)])
        }
    }

    @Test func `replies may come byte by byte`() throws {
        let server = try server(["+OK\r\n", "+OK\r\n", "+PONG\r\n", "$2\r\nhi\r\n"])
        let harness = try RedisLinkHarness(server.address) {
            $0.password = "p"
            $0.database = 1
        }
        try harness.ready()
        #expect(try harness.ask("ECHO", "hi") == "hi")
    }

    @Test func `a server that is loading is asked again until it is ready`() throws {
        let server = try server(["-LOADING x\r\n"], ["-LOADING x\r\n"], ["+PONG\r\n", "+a\r\n"])
        let harness = try RedisLinkHarness(server.address)
        try harness.ready()
        #expect(try harness.ask("ECHO", "a") == "a")
        let states = harness.states.withLock { $0 }
        // The same reason twice is told once.
        #expect(states.count == 2 && states[0].isAway && states[1] == .ready)
    }

    @Test func `a server that is no Redis is named as such`() throws {
        let server = try server(["HTTP/1.1 400 Bad Request\r\n\r\n"])
        let harness = try RedisLinkHarness(server.address)
        #expect(harness.waitForState { $0.isAway })
        #expect("\(harness.client.lastError!)".contains("does not speak Redis' protocol"))
    }

    @Test func `what a server says before it closes is the reason`() throws {
        let server = try server(["-ERR max number of clients reached\r\n\u{4}"])
        let harness = try RedisLinkHarness(server.address) { $0.password = "p" }
        #expect(harness.waitForState { $0.isAway })
        #expect("\(harness.client.lastError!)".contains("max number of clients reached"))
    }

    @Test func `a server that says nothing is given up after the time to connect`() throws {
        let server = try server([])
        let harness = try RedisLinkHarness(server.address) {
            $0.connectTimeout = .milliseconds(100)
        }
        #expect(harness.waitForState { $0.isAway })
        #expect("\(harness.client.lastError!)".contains("no answer within"))
    }

    @Test func `nobody there is an error that says where`() throws {
        let port = RedisServer.freePort()
        let harness = try RedisLinkHarness("127.0.0.1:\(port)")
        let error = #expect(throws: RedisError.self) {
            try harness.client.waitUntilReady(atMost: .milliseconds(500))
        }
        #expect("\(error!)".contains("127.0.0.1:\(port)"))
    }

    @Test func `a second server serves when the first one does not`() throws {
        let server = try server(["*1\r\n$6\r\nmaster\r\n", "+PONG\r\n", "+a\r\n"])
        let harness = try RedisLinkHarness("127.0.0.1:\(RedisServer.freePort()),\(server.address)")
        try harness.ready()
        #expect(try harness.ask("ECHO", "a") == "a")
    }

    @Test func `a reply that breaks the protocol ends the connection and fails who waits`() throws {
        let server = try server(["+PONG\r\n", "?\r\n"], ["+PONG\r\n", "+a\r\n"])
        let harness = try RedisLinkHarness(server.address)
        try harness.ready()
        #expect(throws: RedisError.self) { try harness.ask("ECHO", "a") }
        #expect(harness.waitForState(from: 1) { $0 == .ready })
        #expect(try harness.ask("ECHO", "a") == "a")
    }
}
