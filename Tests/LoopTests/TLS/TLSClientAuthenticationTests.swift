import COpenSSL
import TestSupport
import Testing

@testable import Loop

@Suite(.timeLimit(.minutes(2))) struct TLSClientAuthenticationTests {
    /// Answers each message with whom the client's certificate names.
    private final class SubjectTeller: ConnectionHandler {
        override func received(
            _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
        ) -> Int {
            connection.send(Array((connection.clientCertificateSubject ?? "nobody").utf8))
            connection.closeAfterFlush()
            return bytes.count
        }
    }

    private let server: TestCertificate
    private let authority: TestAuthority
    /// Vouches for strangers.
    private let others: TestAuthority

    init() throws {
        server = try TestCertificate()
        authority = try TestAuthority()
        others = try TestAuthority()
    }

    private func harness(
        _ authentication: (String) -> TLSSettings.ClientAuthentication
    ) throws -> LoopHarness {
        var settings = TLSSettings(
            certificates: [.init(certificate: server.certificateFile, key: server.keyFile)])
        settings.clientAuthentication = authentication(authority.certificateFile)
        return try LoopHarness(identity: TLSIdentity(settings)) { _ in SubjectTeller() }
    }

    /// With TLS 1.3 the client hears of its refusal only when it reads.
    private func answer(
        _ harness: LoopHarness, _ version: Int32, _ identity: TestAuthority.Issued?
    ) throws -> String {
        var options = TLSClient.Options()
        options.version = version
        options.identity = identity.map { ($0.certificateFile, $0.keyFile) }
        let client = try TLSClient(to: harness.address, options)
        try client.send([1])
        return String(decoding: try client.receiveToEnd(), as: UTF8.self)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `a required certificate lets in whom our authority vouches for, and tells who it is`(
        version: Int32
    ) throws {
        let harness = try harness { .required(authorityFile: $0) }
        let courier = try authority.issue(
            "courier", subject: "/O=Contoso/CN=Zoë", usage: "clientAuth")
        let stranger = try others.issue("s", subject: "/CN=s", usage: "clientAuth")
        let site = try authority.issue("site", subject: "/CN=site", usage: "serverAuth")
        let expired = try authority.issue(
            "old", subject: "/CN=old", usage: "clientAuth", dayCount: -1)

        #expect(try answer(harness, version, courier) == "CN=Zoë,O=Contoso")
        for refused in [nil, stranger, site, expired] {
            #expect(throws: ClientError.self) { try answer(harness, version, refused) }
        }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `an optional one may be missing, but not bad`(version: Int32) throws {
        let harness = try harness { .optional(authorityFile: $0) }
        let courier = try authority.issue("courier", subject: "/CN=courier", usage: "clientAuth")
        let stranger = try others.issue("s", subject: "/CN=s", usage: "clientAuth")

        #expect(try answer(harness, version, nil) == "nobody")
        #expect(try answer(harness, version, courier) == "CN=courier")
        #expect(throws: ClientError.self) { try answer(harness, version, stranger) }
    }

    @Test func `without asking, nobody is told of`() throws {
        let harness = try harness { _ in .off }
        let courier = try authority.issue("courier", subject: "/CN=courier", usage: "clientAuth")

        #expect(try answer(harness, 0, courier) == "nobody")
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `who shows a certificate gets no ticket: each connection proves it anew`(
        version: Int32
    ) throws {
        let harness = try harness { .required(authorityFile: $0) }
        let courier = try authority.issue("courier", subject: "/CN=courier", usage: "clientAuth")
        var options = TLSClient.Options()
        options.version = version
        options.identity = (courier.certificateFile, courier.keyFile)
        let client = try TLSClient(to: harness.address, options)
        try client.send([1])
        _ = try client.receiveToEnd()

        #expect(!client.session.hasTicket)
        options.session = client.session
        #expect(try TLSClient(to: harness.address, options).isResumed == false)
    }

    @Test func `authorities that cannot be read are named`() throws {
        let error = #expect(throws: TLSConfigurationError.self) {
            _ = try harness { _ in .required(authorityFile: "/none/ca.pem") }
        }
        #expect(error?.description.contains("/none/ca.pem") == true)
    }
}
