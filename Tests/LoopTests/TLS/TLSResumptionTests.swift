import TestSupport
import Testing

@testable import Loop

@Suite(.timeLimit(.minutes(1))) struct TLSResumptionTests {
    /// Answers each message with what the server thinks of its handshake.
    private final class ResumptionTeller: ConnectionHandler {
        override func received(
            _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
        ) -> Int {
            connection.send(connection.isSessionResumed ? "again" : "fresh")
            return bytes.count
        }
    }

    private func answers(resumesSessions: Bool, dialCount: Int) throws -> [String] {
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
        let server = try LoopHarness(identity: identity) { _ in ResumptionTeller() }
        var settings = TLSClientContext.Settings()
        settings.authorityFile = certificate.certificateFile
        settings.resumesSessions = resumesSessions
        let context = try TLSClientContext(settings)
        let harness = try DialHarness()
        for number in 1...dialCount {
            harness.dial(Endpoint(host: "127.0.0.1", port: server.port, tls: context))
            _ = harness.events(2 * number)
        }
        return harness.events(2 * dialCount).compactMap { event in
            guard case .received(let bytes) = event else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test func `a context that resumes offers the last session, every time`() throws {
        let told = try answers(resumesSessions: true, dialCount: 3)

        #expect(told == ["fresh", "again", "again"])
    }

    @Test func `any other context makes full handshakes`() throws {
        let told = try answers(resumesSessions: false, dialCount: 2)

        #expect(told == ["fresh", "fresh"])
    }

    @Test func `a connection without TLS resumes nothing`() throws {
        let server = try LoopHarness { _ in ResumptionTeller() }
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port))

        #expect(harness.events(2) == [.opened, .received(Array("fresh".utf8))])
    }
}
