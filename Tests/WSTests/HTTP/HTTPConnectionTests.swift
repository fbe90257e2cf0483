// Real sockets on loopback: order, persistence and the ends of connections.

import Loop
import Synchronization
import TestSupport
import Testing

@testable import WS

/// Takes over after an upgrade and sends everything back.
private final class Echo: ConnectionHandler {
    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        connection.send(UnsafeRawBufferPointer(bytes))
        return bytes.count
    }
}

/// Holds responders until the test answers them from its own thread.
private final class Desk: Sendable {
    private let waiting = Monitor<[Responder]>([])

    func take(_ responder: Responder) { waiting.update { $0.append(responder) } }

    func next() -> Responder? {
        waiting.wait(atMost: .seconds(30)) { $0.isEmpty ? nil : $0.removeFirst() }
    }
}

/// One answer as a client reads it.
private struct Answer {
    let status: Int
    let head: String
    let body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension BlockingClient {
    /// Reads one answer; `hasBody` is false for the answer to HEAD.
    fileprivate func answer(hasBody: Bool = true) throws -> Answer {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) { head += try receive(exactly: 1) }
        let text = String(decoding: head, as: UTF8.self)
        let status = Int(text.split(separator: " ")[1])!
        let length = text.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .map { Int($0.dropFirst(16))! }
        return Answer(
            status: status, head: text,
            body: hasBody ? try receive(exactly: length ?? 0) : [])
    }
}

private let largeByteCount = 3 * 1024 * 1024 + 17

private func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
}

private func post(_ path: String, _ body: String, _ fields: String = "") -> String {
    "POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

@Suite(.timeLimit(.minutes(1))) struct HTTPConnectionTests {
    private let desk = Desk()

    private func start(
        _ adjust: @escaping @Sendable (inout HTTPConfiguration) -> Void = { _ in },
        loop: Limits = Limits()
    ) throws -> LoopHarness {
        let desk = desk
        return try LoopHarness(limits: loop) { reactor in
            var configuration = HTTPConfiguration()
            configuration.corsPolicies = [
                ("/api", CORSPolicy(allowedOrigins: ["http://localhost:4200"]))
            ]
            adjust(&configuration)
            let server = HTTPServer(
                reactor: reactor, router: Self.router(desk), configuration: configuration)
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    private static func router(_ desk: Desk) -> Router {
        var router = Router()
        router.on(.get, "/n/{id}") { _, parameters, responder in
            responder.respond(Response(.ok, body: Array(parameters["id"]!.utf8)))
        }
        router.on(.post, "/echo") { request, _, responder in
            responder.respond(Response(.ok, body: request.body))
        }
        router.on(.post, "/small", bodyByteCountMax: 4) { request, _, responder in
            responder.respond(Response(.ok, body: request.body))
        }
        router.on(.get, "/large") { _, _, responder in
            responder.respond(
                Response(.ok, body: [UInt8](repeating: 0x61, count: largeByteCount)))
        }
        router.on(.get, "/medium") { _, _, responder in
            responder.respond(Response(.ok, body: [UInt8](repeating: 0x6D, count: 8192)))
        }
        router.on(.get, "/later/{id}") { _, _, responder in desk.take(responder) }
        router.on(.post, "/later") { _, _, responder in desk.take(responder) }
        router.on(.get, "/forgotten") { _, _, _ in }
        router.on(.get, "/api/secret") { _, _, responder in
            responder.respond(Response(.unauthorized))
        }
        router.upgrade("/ws") { request in
            .webSocket(request) { Echo() }
        }
        return router
    }

    // MARK: Order and persistence

    @Test func `50 pipelined requests are answered in order, also by one byte per packet`() throws {
        let harness = try start()
        let text = (0..<50).map { get("/n/\($0)") }.joined()

        let client = try harness.connect()
        try client.send(text)
        for number in 0..<50 { #expect(try client.answer().text == "\(number)") }

        let slow = try harness.connect()
        for byte in text.utf8 { try slow.send([byte]) }
        for number in 0..<50 { #expect(try slow.answer().text == "\(number)") }
    }

    @Test func `requests wait for the answer before them, however long it takes`() throws {
        let harness = try start()
        let client = try harness.connect()

        try client.send(get("/later/1") + get("/n/2") + get("/later/3") + get("/n/4"))
        let first = try #require(desk.next())
        first.respond(Response(.ok, body: [0x31]))
        first.respond(Response(.ok, body: [0x58]))
        #expect(try client.answer().text == "1")
        #expect(try client.answer().text == "2")
        try #require(desk.next()).respond(Response(.ok, body: [0x33]))
        #expect(try client.answer().text == "3")
        #expect(try client.answer().text == "4")
    }

    @Test func `what arrives while an answer is due is read afterwards`() throws {
        let harness = try start()
        let client = try harness.connect()

        try client.send(get("/later/1"))
        let responder = try #require(desk.next())
        try client.send(String(get("/n/2").prefix(9)))
        responder.respond(Response(.noContent))
        #expect(try client.answer().status == 204)
        try client.send(String(get("/n/2").dropFirst(9)))
        #expect(try client.answer().text == "2")
    }

    @Test func `a peer that closed its half gets all its answers`() throws {
        let harness = try start()
        for requestCount in [1, 2, 100] {
            let client = try harness.connect()
            try client.send((0..<requestCount).map { get("/n/\($0)") }.joined())
            client.closeWriting()
            for number in 0..<requestCount { #expect(try client.answer().text == "\(number)") }
            #expect(try client.receive() == [])
        }

        let waiting = try harness.connect()
        try waiting.send(get("/later/1") + get("/n/2"))
        waiting.closeWriting()
        try #require(desk.next()).respond(Response(.ok, body: [0x31]))
        #expect(try waiting.answer().text == "1")
        #expect(try waiting.answer().text == "2")
        #expect(try waiting.receive() == [])
    }

    @Test func `a peer that closes within a request gets no answer`() throws {
        let harness = try start()
        for end in 0..<post("/echo", "abc").utf8.count {
            let client = try harness.connect()
            // By bytes: a CR LF is a single Character.
            try client.send(Array(post("/echo", "abc").utf8.prefix(end)))
            client.closeWriting()
            #expect(try client.receive() == [], "after \(end) bytes")
        }
    }

    @Test func `the connection closes where the request asks for it`() throws {
        let harness = try start()
        let client = try harness.connect()
        try client.send(get("/n/1", "Connection: close\r\n") + get("/n/2"))
        let answer = try client.answer()
        #expect(answer.head.contains("\r\nConnection: close\r\n"))
        #expect(try client.receive() == [])

        let old = try harness.connect()
        try old.send("GET /n/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try old.answer().head.contains("\r\nConnection: keep-alive\r\n"))
        try old.send("GET /n/2 HTTP/1.0\r\n\r\n")
        #expect(try old.answer().text == "2")
        #expect(try old.receive() == [])
    }

    // MARK: Bodies

    @Test func `HEAD has the length of GET and no body`() throws {
        let harness = try start()
        let client = try harness.connect()
        try client.send("HEAD /n/abc HTTP/1.1\r\nHost: a\r\n\r\n" + get("/n/2"))
        let head = try client.answer(hasBody: false)
        #expect(head.status == 200)
        #expect(head.head.contains("\r\nContent-Length: 3\r\n"))
        #expect(try client.answer().text == "2")
    }

    @Test func `a chunked body is echoed, wherever it is split`() throws {
        let harness = try start()
        let text =
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: v\r\n\r\n"
        let client = try harness.connect()
        for split in 0...text.utf8.count {
            try client.send(Array(text.utf8.prefix(split)))
            try client.send(Array(text.utf8.dropFirst(split)) + Array(get("/n/next").utf8))
            #expect(try client.answer().text == "abcde")
            #expect(try client.answer().text == "next")
        }
    }

    @Test func `100 Continue is sent only to who waits for it, and only if the body is wanted`()
        throws
    {
        let harness = try start()
        let expect = "Expect: 100-continue\r\n"
        let client = try harness.connect()

        try client.send(String(post("/echo", "abc", expect).dropLast(3)))
        #expect(try client.receive(exactly: 25) == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        try client.send("abc")
        #expect(try client.answer().text == "abc")

        try client.send(String(post("/small", "abcde", expect).dropLast(5)))
        #expect(try client.answer().status == 413)
        #expect(try client.receive() == [])

        let lost = try harness.connect()
        try lost.send(String(post("/none", "abc", expect).dropLast(3)))
        let answer = try lost.answer()
        #expect(answer.status == 404)
        #expect(answer.head.contains("\r\nConnection: close\r\n"))

        let other = try harness.connect()
        try other.send(post("/echo", "abc", "Expect: wonders\r\n"))
        #expect(try other.answer().status == 417)
    }

    @Test func `the body's limit is the route's`() throws {
        let harness = try start()
        for (body, status) in [("abc", 200), ("abcd", 200), ("abcde", 413)] {
            let client = try harness.connect()
            try client.send(post("/small", body))
            #expect(try client.answer().status == status)
        }
        let chunked = try harness.connect()
        try chunked.send(
            "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
        #expect(try chunked.answer().status == 413)
    }

    @Test func `a large answer arrives whole through a small window, and the next behind it`()
        throws
    {
        let harness = try start()
        let client = try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)
        try client.send(get("/large") + get("/n/2"))
        let answer = try client.answer()
        #expect(answer.body.count == largeByteCount)
        #expect(answer.body.allSatisfy { $0 == 0x61 })
        #expect(try client.answer().text == "2")
    }

    @Test func `pipelined answers that nobody reads stop the reading of requests`() throws {
        // Read all at once, the answers would exceed what may be queued, and cut the connection.
        var loop = Limits()
        loop.outboundByteCountMax = 256 * 1024
        loop.socketSendByteCount = 8192
        let harness = try start(loop: loop)
        let client = try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)
        let requestCount = 200
        try client.send((0..<requestCount).map { _ in get("/medium") }.joined())
        for _ in 0..<requestCount { #expect(try client.answer().body.count == 8192) }
    }

    // MARK: Refusals

    @Test func `a malformed request gets a problem and then the end, though it is still sending`()
        throws
    {
        let harness = try start()
        let client = try harness.connect()
        let junk = String(repeating: "x", count: 20_000)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + junk)
        try client.send(junk)
        let answer = try client.answer()
        #expect(answer.status == 400)
        #expect(answer.head.contains("application/problem+json"))
        #expect(answer.head.contains("\r\nConnection: close\r\n"))
        #expect(try client.receive() == [])
    }

    @Test func `requests before a malformed one are answered, those behind it are not`() throws {
        let harness = try start()
        let client = try harness.connect()
        try client.send(get("/n/1") + "BAD\r\n\r\n" + get("/n/2"))
        #expect(try client.answer().text == "1")
        #expect(try client.answer().status == 400)
        #expect(try client.receive() == [])
    }

    @Test func `a request that nobody answers is 500`() throws {
        let harness = try start()
        let client = try harness.connect()
        try client.send(get("/forgotten") + get("/n/2"))
        #expect(try client.answer().status == 500)
        #expect(try client.answer().text == "2")
    }

    @Test func `a page of a known origin may read errors, and preflights before any route`() throws
    {
        let harness = try start()
        let client = try harness.connect()
        let origin = "Origin: http://localhost:4200\r\n"
        let grant = "\r\nAccess-Control-Allow-Origin: http://localhost:4200\r\n"

        for (path, status) in [("/api/secret", 401), ("/api/none", 404)] {
            try client.send(get(path, origin))
            let answer = try client.answer()
            #expect(answer.status == status)
            #expect(answer.head.contains(grant))
        }
        try client.send(
            "OPTIONS /api/secret HTTP/1.1\r\nHost: a\r\n\(origin)Access-Control-Request-Method: GET\r\n\r\n"
        )
        let preflight = try client.answer()
        #expect(preflight.status == 204)
        #expect(preflight.head.contains(grant))
        try client.send(get("/n/1", origin))
        #expect(try !client.answer().head.contains("Access-Control"))
    }

    // MARK: Time

    @Test func `a head that never ends is 408, and silence is answered with silence`() throws {
        let harness = try start { $0.limits.headTimeout = .milliseconds(50) }
        let started = try harness.connect()
        try started.send("GET / HT")
        #expect(try started.answer().status == 408)
        #expect(try started.receive() == [])
        let silent = try harness.connect()
        #expect(try silent.receive() == [])
    }

    @Test func `a kept connection closes silently when nothing comes`() throws {
        let harness = try start { $0.limits.keepAliveTimeout = .milliseconds(50) }
        let client = try harness.connect()
        try client.send(get("/n/1"))
        #expect(try client.answer().text == "1")
        #expect(try client.receive() == [])
    }

    @Test func `a body that stalls is 408, a handler that takes its time is not`() throws {
        let harness = try start {
            $0.limits.bodyRateWindow = .milliseconds(50)
            $0.limits.headTimeout = .milliseconds(50)
            $0.limits.keepAliveTimeout = .seconds(60)
        }
        let stalled = try harness.connect()
        try stalled.send(String(post("/echo", "abc").dropLast()))
        #expect(try stalled.answer().status == 408)

        let patient = try harness.connect()
        try patient.send(post("/later", "abc"))
        let responder = try #require(desk.next())
        // A silent connection opened later has been closed: the head's time is over for both.
        let silent = try harness.connect()
        #expect(try silent.receive() == [])
        responder.respond(Response(.ok, body: [0x79]))
        #expect(try patient.answer().text == "y")
    }

    // MARK: Ends

    @Test func `a body in front of an upgrade is waited for and is not the new protocol's`() throws
    {
        let harness = try start()
        let client = try harness.connect()
        let fields =
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 5\r\n"

        try client.send(get("/ws", fields + "Expect: 100-continue\r\n"))
        #expect(try client.answer().status == 100)
        try client.send("hello" + "early")

        #expect(try client.answer().status == 101)
        #expect(try client.receive(exactly: 5) == Array("early".utf8))
    }

    @Test func `a HEAD that is refused is answered without a body`() throws {
        let harness = try start()
        let client = try harness.connect()

        try client.send("HEAD / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n")

        #expect(try client.answer(hasBody: false).status == 400)
        #expect(try client.receiveToEnd() == [])
    }

    @Test func `an upgrade hands over the connection with the bytes behind the request`() throws {
        let harness = try start()
        let client = try harness.connect()
        try client.send(get("/ws"))
        #expect(try client.answer().status == 426)
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        for version in ["", "Sec-WebSocket-Version: 8\r\n"] {
            try client.send(get("/ws", upgrade + key + version))
            let refusal = try client.answer()
            #expect(refusal.status == 426)
            #expect(refusal.head.contains("\r\nSec-WebSocket-Version: 13\r\n"))
        }
        try client.send(get("/ws", upgrade + "Sec-WebSocket-Version: 13\r\n"))
        #expect(try client.answer().status == 400)
        try client.send(get("/ws", upgrade + key + "Sec-WebSocket-Version: 13\r\n") + "early")
        let answer = try client.answer()
        #expect(answer.status == 101)
        #expect(answer.head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        #expect(try client.receive(exactly: 5) == Array("early".utf8))
        try client.send("late")
        #expect(try client.receive(exactly: 4) == Array("late".utf8))
    }

    @Test func `a drain lets a request in flight finish and closes the idle`() throws {
        let harness = try start()
        let idle = try harness.connect()
        try idle.send(get("/n/1"))
        #expect(try idle.answer().text == "1")
        let busy = try harness.connect()
        try busy.send(get("/later/1"))
        let responder = try #require(desk.next())

        // The deadline passes at once: what is asked for is the drain, not its end.
        _ = harness.drain(atMost: .milliseconds(1))

        #expect(try idle.receive() == [])
        responder.respond(Response(.ok, body: [0x64]))
        let answer = try busy.answer()
        #expect(answer.text == "d")
        #expect(answer.head.contains("\r\nConnection: close\r\n"))
        #expect(try busy.receive() == [])
    }

    @Test func `in front of a drain clients are served, and asked to connect anew`() throws {
        let harness = try start()
        harness.enterLameDuck()

        // The first ones may come before the loop knows.
        for _ in 0..<1000 {
            let client = try harness.connect()
            try client.send(get("/n/1"))
            let answer = try client.answer()
            #expect(answer.text == "1")
            if answer.head.contains("\r\nConnection: close\r\n") {
                #expect(try client.receive() == [])
                return
            }
        }
        Issue.record("connections were kept")
    }

    @Test func `an answer whose connection is gone is dropped`() throws {
        let harness = try start()
        var client: BlockingClient? = try harness.connect()
        try client?.send(get("/later/1"))
        let responder = try #require(desk.next())
        client?.resetOnClose()
        client = nil
        responder.respond(Response(.ok))

        let next = try harness.connect()
        try next.send(get("/n/1"))
        #expect(try next.answer().text == "1")
    }
}
