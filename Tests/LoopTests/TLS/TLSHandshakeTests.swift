import COpenSSL
import Glibc
import TestSupport
import Testing

@testable import Loop

/// Handshakes that fail, are many, or are none. The loop is turned by the test itself.
@Suite(.timeLimit(.minutes(2))) struct TLSHandshakeTests {
    private let certificate: TestCertificate
    private let reactor: Reactor
    private let address: String

    init() throws {
        certificate = try TestCertificate()
        var limits = Limits()
        limits.handshakeCountMax = 24
        limits.handshakeTimeout = .seconds(60)
        reactor = try Reactor(limits: limits)
        let identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
        address = try reactor.listen(
            host: "127.0.0.1", port: 0, identity: identity, plaintextAnswer: "TLS, please"
        ) { _ in EchoBack() }
    }

    /// Turns the loop until `condition` holds; false after a minute.
    private func turn(until condition: () -> Bool) -> Bool {
        let deadline = SystemTime().monotonicNow.advanced(by: .seconds(60))
        while !condition() {
            if SystemTime().monotonicNow > deadline { return false }
            reactor.tick(waitMillisecondsMax: 10)
        }
        return true
    }

    private func failureCount(_ reason: TLSHandshakeFailure) -> UInt64 {
        reactor.metrics.handshakeFailureCounts[reason] ?? 0
    }

    private func strangers(_ count: Int, sending bytes: [UInt8]) throws -> [BlockingClient] {
        try (0..<count).map { _ in
            let client = try BlockingClient(to: address)
            try client.send(bytes)
            return client
        }
    }

    // MARK: Many

    @Test func `a storm of handshakes takes its share of a turn and the established are served`()
        throws
    {
        let plain = try reactor.listen(host: "127.0.0.1", port: 0) { _ in EchoBack() }
        let established = try BlockingClient(to: plain)
        #expect(turn { reactor.openConnectionCount == 1 })
        let storm = try strangers(20, sending: TLSClient.clientHello())
        #expect(turn { reactor.openConnectionCount == 21 })
        // Some have been answered while the others were accepted; now all say what ends a handshake.
        for client in storm { try client.send([22, 3, 3, 0, 1]) }
        try established.send([7])

        reactor.tick(waitMillisecondsMax: 10)

        #expect(reactor.handshakesLeft == 0)
        // Each step taken has ended one handshake; the others have not had their turn.
        #expect(reactor.handshakingCount == 20 - reactor.limits.handshakeCountPerTick)
        #expect(try established.receive(exactly: 1) == [7])
    }

    @Test func `as many handshakes are under way as may be, the others wait to be accepted`() throws
    {
        let limit = reactor.limits.handshakeCountMax
        var waiting = try strangers(limit + 5, sending: [])
        #expect(turn { reactor.metrics.pauseCountByReason[.handshakes] == 1 })
        for _ in 0..<10 { reactor.tick(waitMillisecondsMax: 0) }
        #expect(reactor.openConnectionCount == limit)
        #expect(reactor.metrics.refusedCount == 0)

        waiting.removeFirst(5)

        #expect(turn { reactor.metrics.acceptedCount == UInt64(limit + 5) })
        #expect(reactor.openConnectionCount == limit)
        waiting = []
        #expect(turn { reactor.openConnectionCount == 0 && reactor.handshakingCount == 0 })
    }

    @Test func `five hundred broken handshakes leave nothing behind`() throws {
        let hello = TLSClient.clientHello()
        let breaks: [[UInt8]] = [
            [], [22], Array(hello.prefix(40)), hello + [1, 2, 3], [0, 0, 0, 0, 0, 0, 0],
            hello.map { $0 ^ 0x55 }, Array("GET / HTTP/1.1\r\n\r\n".utf8),
        ]
        for round in 0..<500 {
            let client = try BlockingClient(to: address)
            try client.send(breaks[round % breaks.count])
            if round % 2 == 0 { client.resetOnClose() }
            reactor.tick(waitMillisecondsMax: 0)
        }

        #expect(turn { reactor.openConnectionCount == 0 && reactor.metrics.acceptedCount == 500 })
        #expect(reactor.handshakingCount == 0)
        let failures = reactor.metrics.handshakeFailureCounts.values.reduce(0, +)
        // A reset that comes with nothing to read ends the connection without a handshake.
        #expect(failures > 400 && failures <= 500)
    }

    // MARK: None

    @Test(arguments: ["GET /", "POST /a", "HEAD /", "PUT /a"])
    func `plain HTTP on the TLS port is told what the port speaks`(method: String) throws {
        let client = try strangers(1, sending: Array("\(method) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))[
            0]
        #expect(turn { failureCount(.notTLS) == 1 })

        #expect(try client.receive(exactly: 11) == Array("TLS, please".utf8))
        #expect(try client.receive().isEmpty)
        #expect(turn { reactor.handshakingCount == 0 })
        client.closeWriting()
        #expect(turn { reactor.openConnectionCount == 0 })
    }

    @Test func `any other protocol is cut without a word`() throws {
        let client = try strangers(1, sending: Array("SSH-2.0-OpenSSH_9.2\r\n".utf8))[0]

        #expect(turn { failureCount(.notTLS) == 1 && reactor.openConnectionCount == 0 })
        client.resetOnClose()
    }

    // MARK: Failures by reason

    /// A client on a thread of its own, which must fail.
    private func failing(_ change: (inout TLSClient.Options) -> Void) -> Bool {
        var options = TLSClient.Options()
        change(&options)
        nonisolated(unsafe) let offered = options
        let ended = Monitor<Bool?>(nil)
        let address = address
        let thread = NativeThread(name: "client") {
            let client = try? TLSClient(to: address, offered)
            ended.update { $0 = client == nil }
        }
        let isOver = turn { ended.withLock { $0 } != nil }
        thread.join()
        return isOver && ended.withLock { $0 } == true
    }

    @Test func `failures are counted by their reason`() throws {
        #expect(failing { $0.version = TLS1_1_VERSION })
        #expect(failing { $0.protocols = ["h2"] })
        #expect(failing { $0.signatures = "RSA-PSS+SHA256" })
        #expect(turn { reactor.metrics.handshakeFailureCounts.count == 3 })
        #expect(failureCount(.version) == 1)
        #expect(failureCount(.applicationProtocol) == 1)
        #expect(failureCount(.parameters) == 1)

        _ = try strangers(1, sending: Array(TLSClient.clientHello().prefix(50)))
        #expect(turn { failureCount(.closed) == 1 })
        #expect(failing { $0.trustsNobody = true })
        #expect(turn { failureCount(.alert) == 1 })
        let broken = try strangers(1, sending: [22, 3, 1, 0, 4, 9, 0, 0, 0])
        #expect(turn { failureCount(.malformed) == 1 })
        broken.forEach { $0.resetOnClose() }
    }

    // MARK: In pieces

    @Test func `a first message in single bytes is put together`() throws {
        let hello = TLSClient.clientHello()
        let client = try BlockingClient(to: address)
        for byte in hello {
            try client.send([byte])
            reactor.tick(waitMillisecondsMax: 0)
        }
        // Ours begins with a handshake record of TLS 1.2's number.
        #expect(turn { reactor.metrics.sentByteCount > 0 })
        #expect(try client.receive(exactly: 3) == [22, 3, 3])
    }
}
