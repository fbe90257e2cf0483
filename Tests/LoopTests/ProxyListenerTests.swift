import TestSupport
import Testing

@testable import Loop

/// Says whose connection it is, then echoes.
private final class Whose: ConnectionHandler {
    override func opened(_ connection: Connection) {
        connection.send(Array("\(connection.peerAddress)\n".utf8))
    }

    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        connection.send(UnsafeRawBufferPointer(bytes))
        return bytes.count
    }
}

@Suite(.timeLimit(.minutes(1))) struct ProxyListenerTests {
    private let header = "PROXY TCP4 203.0.113.7 10.0.0.1 51234 443\r\n"
    private let metrics = Monitor<[LoopMetrics]>([])

    /// - Parameter proxies: who may connect.
    private func makeHarness(
        _ proxies: String = "loopback", limits: Limits = Limits(), identity: TLSIdentity? = nil,
        admission: Admission? = nil
    ) throws -> LoopHarness {
        let proxies = try #require(TrustedNetworks(proxies))
        let metrics = metrics
        return try LoopHarness(limits: limits) { reactor in
            reactor.every(.milliseconds(16)) { [unowned reactor] in
                metrics.update { $0 = [reactor.metrics] }
            }
            return try reactor.listen(
                host: "127.0.0.1", port: 0, identity: identity, proxies: proxies,
                admission: admission, refusal: Array("full".utf8)
            ) { _ in Whose() }
        }
    }

    /// Waits until the loop has counted one refusal, of that kind.
    private func expectRefusal(_ violation: ProxyHeaderViolation) {
        let counted = metrics.wait(atMost: .seconds(30)) { metrics in
            metrics.first { !$0.proxyRefusalCountByReason.isEmpty }
        }
        #expect(counted?.proxyRefusalCountByReason == [violation: 1])
    }

    @Test func `bytes in the packet of the header are the client's`() throws {
        let harness = try makeHarness()
        let client = try harness.connect()

        try client.send(header + "hello")

        let answer = "203.0.113.7:51234\nhello"
        #expect(try client.receive(exactly: answer.utf8.count) == Array(answer.utf8))
    }

    @Test func `a header split at every place names the client`() throws {
        let harness = try makeHarness()
        let bytes = Array((header + "hello").utf8)
        for split in 1..<bytes.count {
            let client = try harness.connect()
            try client.send(Array(bytes[..<split]))
            try client.send(Array(bytes[split...]))
            let answer = "203.0.113.7:51234\nhello"
            #expect(try client.receive(exactly: answer.utf8.count) == Array(answer.utf8))
        }
    }

    @Test func `a header may come byte by byte`() throws {
        let harness = try makeHarness()
        let client = try harness.connect()
        for byte in Array((header + "hello").utf8) { try client.send([byte]) }

        let answer = "203.0.113.7:51234\nhello"
        #expect(try client.receive(exactly: answer.utf8.count) == Array(answer.utf8))
    }

    @Test func `a client has its number of connections through however many proxies`() throws {
        var rules = Admission.Rules()
        rules.connectionCountPerAddressMax = 1
        rules.trusted = try #require(TrustedNetworks("loopback"))
        let harness = try makeHarness(admission: Admission(rules))
        let greeting = Array("203.0.113.7:51234\n".utf8)
        let first = try harness.connect()
        try first.send(header)
        #expect(try first.receive(exactly: greeting.count) == greeting)

        let second = try harness.connect()
        try second.send(header + "hello")
        #expect(try second.receiveToEnd() == Array("full".utf8))
        let refused = metrics.wait(atMost: .seconds(30)) { metrics in
            metrics.first { !$0.refusalCountByReason.isEmpty }
        }
        #expect(refused?.refusalCountByReason == [.addressFull: 1])

        first.closeWriting()
        #expect(try first.receiveToEnd() == [])
        let third = try harness.connect()
        try third.send(header)
        #expect(try third.receive(exactly: greeting.count) == greeting)
    }

    @Test func `a proxy that names nobody speaks for itself`() throws {
        let harness = try makeHarness()
        let client = try harness.connect()

        try client.send("PROXY UNKNOWN\r\nhello")

        let answer = try client.receive(exactly: "127.0.0.1:".utf8.count)
        #expect(answer == Array("127.0.0.1:".utf8))
    }

    @Test func `the handshake of TLS may begin in the packet of the header`() throws {
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
        let harness = try makeHarness(identity: identity)

        var options = TLSClient.Options()
        options.preface = Array(header.utf8)
        let client = try TLSClient(to: harness.address, options)

        let answer = "203.0.113.7:51234\n"
        #expect(try client.receive(exactly: answer.utf8.count) == Array(answer.utf8))
        try client.send(Array("hello".utf8))
        #expect(try client.receive(exactly: 5) == Array("hello".utf8))
    }

    @Test func `who is not trusted is closed, header or not`() throws {
        let harness = try makeHarness("10.0.0.0/8")
        let client = try harness.connect()
        #expect(try client.receiveToEnd() == [])
        expectRefusal(.untrusted)
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", .missing), ("PROXY TCP4 1 2 3 4\r\n", .malformed),
        ] as [(String, ProxyHeaderViolation)])
    func `what is no header closes the connection`(
        text: String, violation: ProxyHeaderViolation
    ) throws {
        let harness = try makeHarness()
        let client = try harness.connect()
        try client.send(text)
        // Unread bytes make the close a reset.
        #expect((try? client.receiveToEnd()) ?? [] == [])
        expectRefusal(violation)
    }

    @Test func `a connection that ends in its header is counted`() throws {
        let harness = try makeHarness()
        let client = try harness.connect()
        try client.send("PROXY TCP4")
        client.closeWriting()
        #expect(try client.receiveToEnd() == [])
        expectRefusal(.truncated)
    }

    @Test func `a connection that ends before its header is a health check`() throws {
        let harness = try makeHarness()
        let client = try harness.connect()
        client.closeWriting()
        #expect(try client.receiveToEnd() == [])

        // The next refusal is the first one counted.
        let other = try harness.connect()
        try other.send("GET")
        #expect((try? other.receiveToEnd()) ?? [] == [])
        expectRefusal(.missing)
    }

    @Test func `a header that drips is cut`() throws {
        var limits = Limits()
        limits.proxyHeaderTimeout = .milliseconds(50)
        let harness = try makeHarness(limits: limits)
        let client = try harness.connect()
        try client.send("PROXY")
        #expect(try client.receiveToEnd() == [])
        expectRefusal(.timedOut)
    }

    @Test func `the deadline of the header does not cut the connection behind it`() throws {
        var limits = Limits()
        limits.proxyHeaderTimeout = .seconds(1)
        let harness = try makeHarness(limits: limits)
        let client = try harness.connect()
        try client.send(header)
        _ = try client.receive(exactly: "203.0.113.7:51234\n".utf8.count)

        // By then a connection that came later has had its deadline.
        let late = try harness.connect()
        #expect(try late.receiveToEnd() == [])
        try client.send("alive")
        #expect(try client.receive(exactly: 5) == Array("alive".utf8))
    }

    @Test func `a drain ends connections that wait for their header`() throws {
        let harness = try makeHarness()
        let client = try harness.connect()
        try client.send("PROXY")
        #expect(harness.drain(atMost: .seconds(30)))
        #expect((try? client.receiveToEnd()) ?? [] == [])
    }
}
