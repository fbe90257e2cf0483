import COpenSSL
import TestSupport
import Testing

@testable import Loop

private final class Echo: ConnectionHandler {
    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        connection.send(UnsafeRawBufferPointer(bytes))
        return bytes.count
    }
}

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private let certificate: TestCertificate
    private let identity: TLSIdentity

    init() throws {
        certificate = try TestCertificate()
        identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
    }

    private func makeHarness(_ limits: Limits = Limits()) throws -> LoopHarness {
        try LoopHarness(limits: limits, identity: identity) { _ in Echo() }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `both versions echo with a forward-secret AEAD cipher`(version: Int32) throws {
        let harness = try makeHarness()
        let client = try TLSClient(to: harness.address, version: version)

        try client.send(Array("hello".utf8))

        #expect(try client.receive(exactly: 5) == Array("hello".utf8))
        #expect(client.cipher.contains("GCM") || client.cipher.contains("CHACHA20"))
    }

    @Test(arguments: [TLS1_VERSION, TLS1_1_VERSION])
    func `versions before 1_2 are refused`(version: Int32) throws {
        let harness = try makeHarness()
        #expect(throws: ClientError.self) {
            _ = try TLSClient(to: harness.address, version: version)
        }
    }

    @Test func `ALPN selects http 1_1 and refuses a client that offers only something else`() throws
    {
        let harness = try makeHarness()
        let client = try TLSClient(to: harness.address, protocols: ["h2", "http/1.1"])
        #expect(client.negotiatedProtocol == "http/1.1")
        #expect(throws: ClientError.self) {
            _ = try TLSClient(to: harness.address, protocols: ["h2"])
        }
    }

    @Test func `megabytes survive in both directions under backpressure`() throws {
        let harness = try makeHarness()
        let client = try TLSClient(to: harness.address)
        var sent: [UInt8] = []
        for round in 0..<40 {
            let chunk = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ round) }
            try client.send(chunk)
            sent += try client.receive(exactly: chunk.count) == chunk ? [1] : [0]
        }
        #expect(sent == [UInt8](repeating: 1, count: 40))
    }

    @Test func `our close is announced with close_notify, the peer's is answered`() throws {
        final class Closer: ConnectionHandler {
            override func opened(_ connection: Connection) {
                connection.send("bye")
                connection.closeAfterFlush()
            }
        }
        let closing = try LoopHarness(identity: identity) { _ in Closer() }
        #expect(try TLSClient(to: closing.address).receiveToEnd() == Array("bye".utf8))

        let harness = try makeHarness()
        let client = try TLSClient(to: harness.address)
        client.shutdown()
        #expect(try client.receiveToEnd().isEmpty)
    }

    @Test func `plain HTTP on the TLS port is closed at once`() throws {
        let harness = try makeHarness()
        let client = try BlockingClient(to: harness.address)
        try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = try client.receiveToEnd()
    }

    @Test func `a client that never finishes its handshake is cut`() throws {
        var limits = Limits()
        limits.handshakeTimeout = .milliseconds(50)
        let harness = try makeHarness(limits)
        #expect(try BlockingClient(to: harness.address).receiveToEnd().isEmpty)
    }

    @Test func `more handshakes at once than the budget of a tick all succeed`() throws {
        var limits = Limits()
        limits.handshakeCountPerTick = 1
        let harness = try makeHarness(limits)
        let address = harness.address
        let echoed = Monitor(0)
        let threads = (0..<12).map { number in
            NativeThread(name: "client-\(number)") {
                guard let client = try? TLSClient(to: address) else { return }
                try? client.send([7])
                if (try? client.receive(exactly: 1)) == [7] { echoed.update { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(echoed.update { $0 } == 12)
    }

    @Test func `a reloaded certificate is served to new connections and old ones live on`() throws {
        let harness = try makeHarness()
        let old = try TLSClient(to: harness.address)
        try certificate.renew()

        try identity.reload()
        let new = try TLSClient(to: harness.address)
        try old.send([1])

        #expect(try old.receive(exactly: 1) == [1])
        #expect(old.certificateDigest != new.certificateDigest)
    }

    @Test func `a file that is no certificate is named in the error`() throws {
        let error = #expect(throws: TLSConfigurationError.self) {
            _ = try TLSIdentity(
                certificateFile: certificate.keyFile, keyFile: certificate.keyFile)
        }
        #expect(error?.description.contains(certificate.keyFile) == true)
        #expect(throws: TLSConfigurationError.self) {
            _ = try TLSIdentity(certificateFile: "/none.pem", keyFile: certificate.keyFile)
        }
    }
}
