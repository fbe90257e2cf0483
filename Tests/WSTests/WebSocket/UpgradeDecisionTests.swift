import Loop
import TestSupport
import Testing

@testable import WS

/// The whole way of a browser: HTTP first, then WebSocket on the same connection.
@Suite(.timeLimit(.minutes(1))) struct UpgradeDecisionTests {
    /// Says hello as soon as it may.
    private final class Greeter: WSConnection {
        override func opened() { send(Array("hello".utf8), as: .text) }

        override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
            send(UnsafeRawBufferPointer(message), as: kind)
        }
    }

    private static let upgrade =
        "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    @Test func `an upgraded connection is opened before its first message`() throws {
        let harness = try Self.start()
        let client = try harness.connect()

        try client.send(Self.upgrade)

        let head = try receiveHead(client)
        #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(try client.receive(exactly: 7) == [0x81, 5] + Array("hello".utf8))
    }

    @Test func `frames right behind the request belong to the WebSocket`() throws {
        let harness = try Self.start()
        let client = try harness.connect()

        try client.send(Array(Self.upgrade.utf8) + textFrame("early"))

        _ = try receiveHead(client)
        let answer = try client.receive(exactly: 14)
        #expect(answer == [0x81, 5] + Array("hello".utf8) + [0x81, 5] + Array("early".utf8))
    }

    @Test func `a refused handshake is an ordinary answer`() throws {
        let harness = try Self.start()
        let client = try harness.connect()

        try client.send(Self.upgrade.replacing("Version: 13", with: "Version: 12"))

        let head = try receiveHead(client)
        #expect(head.hasPrefix("HTTP/1.1 426 "))
        #expect(head.contains("Sec-WebSocket-Version: 13\r\n"))
    }

    private static func start() throws -> LoopHarness {
        try LoopHarness { reactor in
            var router = Router()
            router.upgrade("/ws") { request in UpgradeDecision.webSocket(request) { Greeter() } }
            let server = HTTPServer(reactor: reactor, router: router)
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    private func receiveHead(_ client: BlockingClient) throws -> String {
        var head = ""
        while !head.hasSuffix("\r\n\r\n") {
            head += String(decoding: try client.receive(exactly: 1), as: UTF8.self)
        }
        return head
    }
}
