import COpenSSL
import Glibc
import TestSupport
import Testing

@testable import Loop

@Suite(.timeLimit(.minutes(1))) struct TLSDialTests {
    private static let hello = Array("hello".utf8)
    private static let success: [DialEvent] = [.opened, .received(hello)]

    private func trusting(
        _ certificate: TestCertificate?,
        _ verification: TLSClientContext.Verification = .full,
        identity: TestCertificate? = nil
    ) throws -> TLSClientContext {
        var settings = TLSClientContext.Settings()
        settings.verification = verification
        settings.authorityFile = certificate?.certificateFile
        settings.certificateFile = identity?.certificateFile
        settings.keyFile = identity?.keyFile
        return try TLSClientContext(settings)
    }

    private func server(_ certificate: TestCertificate) throws -> LoopHarness {
        try LoopHarness(
            echoingWith: TLSIdentity(
                certificateFile: certificate.certificateFile, keyFile: certificate.keyFile))
    }

    /// Every name is 127.0.0.1.
    private static let everywhere: Resolver.Lookup = { _, port in
        .success([SocketAddress(numeric: "127.0.0.1", port: port)!])
    }

    @Test(arguments: ["127.0.0.1", "localhost", "localhost."])
    func `a trusted certificate for the address or the name opens`(host: String) throws {
        let certificate = try TestCertificate()
        let server = try server(certificate)
        let harness = try DialHarness(lookup: Self.everywhere)

        harness.dial(
            Endpoint(host: host, port: server.port, tls: try trusting(certificate)))

        #expect(harness.events(2) == Self.success)
    }

    @Test func `a certificate of an unknown authority is refused, and the error says so`() throws {
        let server = try server(TestCertificate())
        let harness = try DialHarness()

        harness.dial(
            Endpoint(host: "127.0.0.1", port: server.port, tls: try trusting(TestCertificate())))

        let failure = try #require(harness.events(1).first?.failure)
        #expect(failure.kind == .tls)
        #expect(failure.description.contains("the certificate is not accepted: self-signed"))
        #expect(harness.becomesEmpty())
    }

    @Test func `the system's authorities do not know a self-signed certificate`() throws {
        let server = try server(TestCertificate())
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port, tls: try trusting(nil)))

        #expect(harness.events(1).map(\.failure?.kind) == [.tls])
    }

    @Test(arguments: ["127.0.0.1", "other.example"])
    func `a certificate for another name is refused`(host: String) throws {
        let certificate = try TestCertificate(for: "DNS:localhost")
        let server = try server(certificate)
        let harness = try DialHarness(lookup: Self.everywhere)

        harness.dial(
            Endpoint(host: host, port: server.port, tls: try trusting(certificate)))

        let failure = try #require(harness.events(1).first?.failure)
        #expect(failure.kind == .tls)
        #expect(failure.description.contains("mismatch"))
    }

    @Test func `an expired certificate is refused`() throws {
        let certificate = try TestCertificate(dayCount: -1)
        let server = try server(certificate)
        let harness = try DialHarness()

        harness.dial(
            Endpoint(host: "127.0.0.1", port: server.port, tls: try trusting(certificate)))

        let failure = try #require(harness.events(1).first?.failure)
        #expect(failure.kind == .tls)
        #expect(failure.description.contains("expired"))
    }

    @Test func `checking the chain only lets another name pass, checking nothing lets all`() throws
    {
        let certificate = try TestCertificate(for: "DNS:elsewhere.example")
        let server = try server(certificate)
        let harness = try DialHarness()
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.port, tls: try trusting(certificate, .chain))
        harness.dial(endpoint)
        #expect(harness.events(2) == Self.success)

        let anything = try DialHarness()
        anything.dial(
            Endpoint(host: "127.0.0.1", port: server.port, tls: try trusting(nil, .none)))
        #expect(anything.events(2) == Self.success)

        let stranger = try DialHarness()
        stranger.dial(
            Endpoint(
                host: "127.0.0.1", port: server.port, tls: try trusting(TestCertificate(), .chain)))
        #expect(stranger.events(1).map(\.failure?.kind) == [.tls])
    }

    @Test func `a server that asks for a certificate we have not says so when it closes`() throws {
        let certificate = try TestCertificate()
        var settings = TLSSettings(
            certificates: [
                .init(certificate: certificate.certificateFile, key: certificate.keyFile)
            ])
        settings.clientAuthentication = .required(authorityFile: certificate.certificateFile)
        let server = try LoopHarness(echoingWith: TLSIdentity(settings))
        let harness = try DialHarness()

        harness.dial(
            Endpoint(host: "127.0.0.1", port: server.port, tls: try trusting(certificate)))

        // certificate_required, which TLS 1.3 says once the client thinks that it is in.
        let refusal = CloseReason.alert(.certificateRequired)
        #expect(harness.events(2) == [.opened, .closed(refusal)])
        #expect("\(refusal)" == "the other side sent the TLS alert certificate required (116)")
    }

    @Test func `a peer that accepts and says nothing is given up`() throws {
        let listener = try BlockingListener()
        let harness = try DialHarness()

        harness.dial(
            Endpoint(host: "127.0.0.1", port: listener.port, tls: try trusting(nil)),
            timeout: .seconds(1))

        let failure = try #require(harness.events(1).first?.failure)
        #expect(failure.kind == .timedOut)
        #expect(failure.description.contains("handshaking"))
        #expect(harness.becomesEmpty())
    }

    @Test func `a reset in the handshake fails the dial`() throws {
        let listener = try BlockingListener()
        let harness = try DialHarness()

        harness.dial(
            Endpoint(host: "127.0.0.1", port: listener.port, tls: try trusting(nil)))
        try listener.acceptAndReset(afterFirstByte: true)

        #expect(harness.events(1).map(\.failure?.kind) == [.tls])
        #expect(harness.becomesEmpty())
    }

    @Test func `a server that does not speak TLS fails the dial`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port, tls: try trusting(nil)))

        #expect(harness.events(1).map(\.failure?.kind) == [.tls])
    }

    @Test func `a loop that stops in the middle of the handshake fails the dial`() throws {
        let listener = try BlockingListener()
        let harness = try DialHarness()
        harness.dial(Endpoint(host: "127.0.0.1", port: listener.port, tls: try trusting(nil)))
        let accepted = try listener.accept()
        defer { close(accepted) }

        harness.stop()

        let failures = harness.events(1).map(\.failure?.description)
        #expect(
            failures == ["cannot connect to 127.0.0.1:\(listener.port): the loop is stopping"])
    }

    @Test
    func `a name goes out as SNI, an address does not, and the client's certificate is shown`()
        throws
    {
        let certificate = try TestCertificate()
        let identity = try TestCertificate(for: "DNS:client.example")
        let context = try trusting(certificate, identity: identity)
        let listener = try BlockingListener()
        let harness = try DialHarness(lookup: Self.everywhere)

        harness.dial(Endpoint(host: "localhost", port: listener.port, tls: context))
        let named = try DemandingServer.greet(listener, certificate, clients: identity)
        harness.dial(Endpoint(host: "127.0.0.1", port: listener.port, tls: context))
        let numeric = try DemandingServer.greet(listener, certificate, clients: identity)

        #expect(named == "localhost")
        #expect(numeric == nil)
        #expect(harness.opens(2))
    }

    @Test func `two connections at once do not see each other's bytes`() throws {
        let certificate = try TestCertificate()
        let server = try server(certificate)
        let context = try trusting(certificate)
        let harness = try DialHarness()

        for _ in 0..<20 {
            harness.dial(Endpoint(host: "127.0.0.1", port: server.port, tls: context))
        }

        let events = harness.events(40)
        #expect(events.filter { $0 == .opened }.count == 20)
        #expect(events.filter { $0 == .received(Self.hello) }.count == 20)
    }

    // MARK: Files

    @Test func `a file that cannot be used is named in the error`() throws {
        let certificate = try TestCertificate()
        var settings = TLSClientContext.Settings()
        settings.authorityFile = certificate.keyFile
        let authority = #expect(throws: TLSConfigurationError.self) {
            _ = try TLSClientContext(settings)
        }
        #expect(authority?.description.contains(certificate.keyFile) == true)

        settings = TLSClientContext.Settings()
        settings.certificateFile = "/none.pem"
        settings.keyFile = certificate.keyFile
        let identity = #expect(throws: TLSConfigurationError.self) {
            _ = try TLSClientContext(settings)
        }
        #expect(identity?.description.contains("/none.pem") == true)

        let other = try TestCertificate()
        settings.certificateFile = certificate.certificateFile
        settings.keyFile = other.keyFile
        let key = #expect(throws: TLSConfigurationError.self) {
            _ = try TLSClientContext(settings)
        }
        #expect(key?.description.contains(other.keyFile) == true)
    }

    @Test func `a certificate without its key, or a key without its certificate, is an error`() {
        var settings = TLSClientContext.Settings()
        settings.certificateFile = "/some.pem"
        #expect(throws: TLSConfigurationError.self) { _ = try TLSClientContext(settings) }
        settings = TLSClientContext.Settings()
        settings.keyFile = "/some.pem"
        #expect(throws: TLSConfigurationError.self) { _ = try TLSClientContext(settings) }
    }
}

/// A TLS server that wants a certificate of its clients, for one connection.
private enum DemandingServer {
    /// Handshakes with the next connection; the server name the client asked for, or nil.
    static func greet(
        _ listener: BlockingListener, _ certificate: TestCertificate, clients: TestCertificate
    ) throws -> String? {
        let context = SSL_CTX_new(TLS_server_method())
        defer { SSL_CTX_free(context) }
        SSL_CTX_use_certificate_chain_file(context, certificate.certificateFile)
        SSL_CTX_use_PrivateKey_file(context, certificate.keyFile, SSL_FILETYPE_PEM)
        SSL_CTX_load_verify_file(context, clients.certificateFile)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        let accepted = try listener.accept()
        defer { close(accepted) }
        let ssl = SSL_new(context)
        defer { SSL_free(ssl) }
        SSL_set_fd(ssl, accepted)
        guard SSL_accept(ssl) == 1 else {
            ERR_clear_error()
            throw ClientError(description: "the client's certificate was not accepted")
        }
        return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }
}
