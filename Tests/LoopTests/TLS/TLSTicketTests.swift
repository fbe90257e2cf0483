import COpenSSL
import Glibc
import TestSupport
import Testing

@testable import Loop

/// RFC 5077, RFC 8446 §2.2: sessions that go on, on this server and on others.
@Suite(.timeLimit(.minutes(2))) struct TLSTicketTests {
    private let certificate: TestCertificate
    private let clock = FakeClock()

    init() throws { certificate = try TestCertificate() }

    private func identity(_ source: TLSSettings.TicketSource) throws -> TLSIdentity {
        var settings = TLSSettings(
            certificates: [
                .init(certificate: certificate.certificateFile, key: certificate.keyFile)
            ])
        settings.ticketSource = source
        return try TLSIdentity(settings, time: clock)
    }

    /// Connects and lets one byte come back, behind which tickets of TLS 1.3 have come too.
    private func visit(
        _ server: LoopHarness, _ version: Int32, with session: TLSClient.Session? = nil
    ) throws -> (session: TLSClient.Session, isResumed: Bool) {
        var options = TLSClient.Options()
        options.version = version
        options.session = session
        let client = try TLSClient(to: server.address, options)
        try client.send([1])
        #expect(try client.receive(exactly: 1) == [1])
        return (client.session, client.isResumed)
    }

    private static let secret = TLSSettings.TicketSource.secret([UInt8](repeating: 9, count: 32))

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `a session goes on with another pod of the same secret`(version: Int32) throws {
        let one = try LoopHarness(echoingWith: identity(Self.secret))
        let other = try LoopHarness(echoingWith: identity(Self.secret))

        let first = try visit(one, version)
        let second = try visit(other, version, with: first.session)
        let third = try visit(one, version, with: second.session)

        #expect([first.isResumed, second.isResumed, third.isResumed] == [false, true, true])
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `a stranger's ticket is no error: the handshake is a full one`(version: Int32) throws {
        let one = try LoopHarness(echoingWith: identity(Self.secret))
        let strangers = [
            TLSSettings.TicketSource.secret([UInt8](repeating: 8, count: 32)), .random,
        ]
        let session = try visit(one, version).session
        for source in strangers {
            let stranger = try LoopHarness(echoingWith: identity(source))
            #expect(try visit(stranger, version, with: session).isResumed == false)
        }
    }

    @Test(arguments: [Self.secret, .random])
    func `a session goes on after a reload`(source: TLSSettings.TicketSource) throws {
        let identity = try identity(source)
        let server = try LoopHarness(echoingWith: identity)
        let session = try visit(server, TLS1_3_VERSION).session

        try certificate.renew()
        try identity.reload()

        #expect(try visit(server, TLS1_3_VERSION, with: session).isResumed)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func `a ticket is opened in the period behind its own, and not later`(version: Int32) throws {
        let server = try LoopHarness(echoingWith: identity(Self.secret))
        // Sessions of TLS 1.3 are used up by an attempt.
        let sessions = try (0..<2).map { _ in try visit(server, version).session }

        clock.advance(by: .seconds(8 * 3600))
        #expect(try visit(server, version, with: sessions[0]).isResumed)
        clock.advance(by: .seconds(8 * 3600))
        #expect(try visit(server, version, with: sessions[1]).isResumed == false)
    }

    @Test func `keys of files rotate: the first seals, all open, removed ones do not`() throws {
        let files = (0..<2).map { certificate.directory + "/ticket-\($0)" }
        for file in files { #expect(system("openssl rand -out \(file) 80") == 0) }
        let identity = try identity(.files(files))
        let server = try LoopHarness(echoingWith: identity)
        let sessions = try (0..<2).map { _ in try visit(server, TLS1_3_VERSION).session }

        #expect(system("mv \(files[0]) \(files[1]) && openssl rand -out \(files[0]) 80") == 0)
        #expect(try identity.reloadIfChanged())
        #expect(try visit(server, TLS1_3_VERSION, with: sessions[0]).isResumed)
        #expect(system("openssl rand -out \(files[1]) 80") == 0)
        #expect(try identity.reloadIfChanged())
        #expect(try visit(server, TLS1_3_VERSION, with: sessions[1]).isResumed == false)
    }

    @Test(arguments: [0, 79, 81, 17 * 80])
    func `a file of ticket keys that has another size is named`(byteCount: Int) throws {
        let file = certificate.directory + "/bad"
        #expect(system("head -c \(byteCount) /dev/zero > \(file)") == 0)
        let error = #expect(throws: TLSConfigurationError.self) {
            _ = try identity(.files([file]))
        }
        #expect(error?.description.contains(file) == true)
    }

    @Test func `tickets end with their lifetime, and allow no data before the handshake`() throws {
        let server = try LoopHarness(echoingWith: identity(Self.secret))

        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let session = try visit(server, version).session
            #expect(session.hasTicket)
            #expect(session.lifetime == 8 * 3600)
            #expect(session.earlyByteCountMax == 0)
        }
    }
}
