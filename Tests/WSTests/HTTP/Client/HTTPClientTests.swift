// The client against scripted servers on real sockets: what it sends, keeps, repeats and refuses.

import Loop
import Synchronization
import Testing
import TestSupport

@testable import WS

/// A server that answers the n-th request of its life with the n-th script.
private final class ScriptedServer: Sendable {
    struct Answer: Sendable {
        let text: String
        var closes = false
        /// Closes as soon as the connection is open, without a request.
        var resets = false
    }

    let heads = Mutex<[String]>([])
    let connectionCount = Atomic<Int>(0)
    private let answers: Mutex<[Answer]>

    init(_ answers: [Answer]) { self.answers = Mutex(answers) }

    func next(_ head: String) -> Answer? {
        heads.withLock { $0.append(head) }
        return answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    func start(identity: TLSIdentity? = nil) throws -> LoopHarness {
        try LoopHarness(identity: identity) { [self] _ in
            connectionCount.add(1, ordering: .relaxed)
            return ScriptedConnection(self)
        }
    }
}

private final class ScriptedConnection: ConnectionHandler {
    private let server: ScriptedServer

    init(_ server: ScriptedServer) { self.server = server }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasSuffix("\r\n\r\n") || text.hasSuffix("body") else { return 0 }
        guard let answer = server.next(text) else { return bytes.count }
        if answer.resets {
            connection.abort()
            return bytes.count
        }
        connection.send(Array(answer.text.utf8))
        if answer.closes { connection.closeAfterFlush() }
        return bytes.count
    }
}

/// A client on a loop of its own.
private final class ClientLoop {
    struct Call: Sendable {
        let request: ClientRequest
        let timeout: Duration
        let result: Monitor<Result<ClientResponse, HTTPClientError>?>
    }

    private let group = LoopGroup()
    private let calls = Monitor<Mailbox<[Call]>?>(nil)

    init(limits: HTTPClientLimits = HTTPClientLimits(), trusting authority: String? = nil) throws {
        let calls = calls
        try group.start(count: 1, name: "client", limits: Limits()) { reactor, _ in
            var settings = TLSClientContext.Settings()
            settings.authorityFile = authority
            let tls = authority == nil ? nil : try TLSClientContext(settings)
            let client = HTTPClient(reactor: reactor, tls: tls, limits: limits)
            let mailbox = reactor.makeMailbox(of: [Call].self) { calls in
                for call in calls {
                    client.send(call.request, timeout: call.timeout, bodyByteCountMax: 1000) {
                        result in call.result.update { $0 = result }
                    }
                }
            }
            calls.update { $0 = mailbox }
        }
    }

    deinit { group.stop() }

    func start(
        _ request: ClientRequest, timeout: Duration = .seconds(20)
    ) -> Monitor<Result<ClientResponse, HTTPClientError>?> {
        start(together: [request], timeout: timeout)[0]
    }

    /// Begins them in one turn of the loop, so that none is answered before all have begun.
    func start(
        together requests: [ClientRequest], timeout: Duration = .seconds(20)
    ) -> [Monitor<Result<ClientResponse, HTTPClientError>?>] {
        let begun = requests.map { Call(request: $0, timeout: timeout, result: Monitor(nil)) }
        calls.withLock { _ = $0?.post(begun) }
        return begun.map(\.result)
    }

    func send(
        _ request: ClientRequest, timeout: Duration = .seconds(20)
    ) -> Result<ClientResponse, HTTPClientError>? {
        start(request, timeout: timeout).wait(atMost: .seconds(30)) { $0 }
    }
}

private func get(_ harness: LoopHarness, _ path: String = "/x") throws -> ClientRequest {
    ClientRequest(.get, try HTTPURL("http://\(harness.address)\(path)"))
}

private func kind(_ result: Result<ClientResponse, HTTPClientError>?) -> HTTPClientError.Kind? {
    if case .failure(let error) = result { return error.kind }
    return nil
}

private func text(_ result: Result<ClientResponse, HTTPClientError>?) -> String? {
    if case .success(let response) = result {
        return String(decoding: response.body, as: UTF8.self)
    }
    return nil
}

private let hello = ScriptedServer.Answer(text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

@Suite struct HTTPClientTests {
    @Test func `a request goes out with its host, its fields and its body`() throws {
        let server = ScriptedServer([hello])
        let harness = try server.start()
        var request = ClientRequest(
            .post, try HTTPURL("http://\(harness.address)/v1/traces?a=b"),
            contentType: "text/plain", body: Array("body".utf8))
        request.add("X-Evil", "a\r\nInjected: b")

        let result = try ClientLoop().send(request)

        #expect(text(result) == "hello")
        #expect(
            server.heads.withLock { $0 } == [
                "POST /v1/traces?a=b HTTP/1.1\r\nHost: \(harness.address)\r\nContent-Length: 4\r\n"
                    + "Content-Type: text/plain\r\nX-Evil: a  Injected: b\r\n\r\nbody"
            ])
    }

    @Test func `one connection serves requests that follow each other`() throws {
        let server = ScriptedServer([hello, hello, hello])
        let harness = try server.start()
        let client = try ClientLoop()

        for _ in 0..<3 { #expect(text(client.send(try get(harness))) == "hello") }

        #expect(server.connectionCount.load(ordering: .relaxed) == 1)
    }

    @Test func `requests at the same time have connections of their own`() throws {
        let server = ScriptedServer([hello, hello])
        let harness = try server.start()
        let client = try ClientLoop()

        let results = client.start(together: [try get(harness), try get(harness)])

        for result in results {
            #expect(text(result.wait(atMost: .seconds(30)) { $0 }) == "hello")
        }
        #expect(server.connectionCount.load(ordering: .relaxed) == 2)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",
    ])
    func `a connection that may not stay, or brought too much, is not used again`(
        answer: String
    ) throws {
        let server = ScriptedServer([ScriptedServer.Answer(text: answer), hello])
        let harness = try server.start()
        let client = try ClientLoop()

        #expect(text(client.send(try get(harness))) == "hello")
        #expect(text(client.send(try get(harness))) == "hello")
        #expect(server.connectionCount.load(ordering: .relaxed) == 2)
    }

    @Test func `a body without a length ends with the connection`() throws {
        let server = ScriptedServer([
            ScriptedServer.Answer(text: "HTTP/1.0 200 OK\r\n\r\nhello", closes: true)
        ])
        let harness = try server.start()
        let result = try ClientLoop().send(try get(harness))
        withExtendedLifetime(harness) { #expect(text(result) == "hello") }
    }

    @Test func `a GET that meets a dead kept connection is sent once more`() throws {
        let reset = ScriptedServer.Answer(text: "", resets: true)
        let server = ScriptedServer([hello, reset, hello])
        let harness = try server.start()
        let client = try ClientLoop()

        #expect(text(client.send(try get(harness))) == "hello")
        #expect(text(client.send(try get(harness))) == "hello")
        #expect(server.heads.withLock { $0.count } == 3)
    }

    @Test func `a POST that meets a dead kept connection is not`() throws {
        let reset = ScriptedServer.Answer(text: "", resets: true)
        let server = ScriptedServer([hello, reset, hello])
        let harness = try server.start()
        let client = try ClientLoop()
        let post = ClientRequest(.post, try HTTPURL("http://\(harness.address)/"))

        #expect(text(client.send(post)) == "hello")
        #expect(kind(client.send(post)) == .connectionLost)
        #expect(server.heads.withLock { $0.count } == 2)
    }

    @Test func `a fresh connection that dies is not tried again`() throws {
        let reset = ScriptedServer.Answer(text: "", resets: true)
        let server = ScriptedServer([reset, hello])
        let harness = try server.start()
        let result = try ClientLoop().send(try get(harness))
        withExtendedLifetime(harness) { #expect(kind(result) == .connectionLost) }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", ResponseFault.truncated),
        ("HTTP/1.1 200 OK\r\nContent-Le", .truncated),
        ("SSH-2.0-OpenSSH_9.2\r\n", .malformedStatusLine),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
            .breach(.contentLengthWithTransferEncoding)
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", .breach(.bodyTooLarge)),
    ])
    func `a broken answer is an error that names it`(answer: String, fault: ResponseFault) throws {
        let server = ScriptedServer([ScriptedServer.Answer(text: answer, closes: true)])
        let harness = try server.start()
        let result = try ClientLoop().send(try get(harness))
        withExtendedLifetime(harness) { #expect(kind(result) == .badResponse(fault)) }
    }

    @Test func `a redirect is reported and not followed`() throws {
        let server = ScriptedServer([
            ScriptedServer.Answer(
                text: "HTTP/1.1 302 Found\r\nLocation: https://b/\r\nContent-Length: 0\r\n\r\n"),
            hello,
        ])
        let harness = try server.start()
        let result = try ClientLoop().send(try get(harness))
        withExtendedLifetime(harness) {
            #expect(kind(result) == .redirected(location: "https://b/"))
        }
        #expect(server.heads.withLock { $0.count } == 1)
    }

    @Test func `an answer that does not come is a time-out, and its connection ends`() throws {
        let server = ScriptedServer([])
        let harness = try server.start()
        let result = try ClientLoop().send(
            try get(harness, "/slow?secret"), timeout: .milliseconds(50))

        guard case .failure(let error) = result else {
            Issue.record("answered")
            return
        }
        #expect(error.kind == .timedOut)
        #expect(error.description == "GET http://\(harness.address)/slow: timed out after 50 ms")
    }

    @Test func `nobody there is an error of the dialler`() throws {
        // Bound, never listening: nobody else gets the port while the test runs.
        let client = try ClientLoop()
        let address = try LoopHarness { _ in ConnectionHandler() }.address
        let result = client.send(ClientRequest(.get, try HTTPURL("http://\(address)/")))
        #expect(kind(result) == .unreachable(.refused))
    }

    @Test func `one request more than the limit fails at once`() throws {
        var limits = HTTPClientLimits()
        limits.exchangeCountMax = 1
        let harness = try ScriptedServer([]).start()
        let client = try ClientLoop(limits: limits)

        _ = client.start(try get(harness))
        #expect(kind(client.send(try get(harness))) == .overloaded)
    }

    @Test func `https is refused by a client without TLS`() throws {
        let result = try ClientLoop().send(ClientRequest(.get, try HTTPURL("https://localhost/")))
        #expect(kind(result) == .noTLS)
    }

    @Test func `https is spoken with a server whose certificate is trusted`() throws {
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
        let server = ScriptedServer([hello, hello])
        let harness = try server.start(identity: identity)
        let port = harness.address.split(separator: ":").last!
        let request = ClientRequest(.get, try HTTPURL("https://localhost:\(port)/"))
        let client = try ClientLoop(trusting: certificate.certificateFile)

        #expect(text(client.send(request)) == "hello")
        #expect(text(client.send(request)) == "hello")
        #expect(server.connectionCount.load(ordering: .relaxed) == 1)
    }

    @Test func `a stranger's certificate ends the request`() throws {
        let certificate = try TestCertificate()
        let stranger = try TestCertificate()
        let identity = try TLSIdentity(
            certificateFile: stranger.certificateFile, keyFile: stranger.keyFile)
        let harness = try ScriptedServer([hello]).start(identity: identity)
        let port = harness.address.split(separator: ":").last!

        let result = try ClientLoop(trusting: certificate.certificateFile)
            .send(ClientRequest(.get, try HTTPURL("https://localhost:\(port)/")))

        #expect(kind(result) == .unreachable(.tls))
    }
}
