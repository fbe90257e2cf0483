import Glibc
import TestSupport
import Testing

@testable import Loop

/// Files that change while the server runs.
@Suite(.timeLimit(.minutes(1))) struct TLSIdentityTests {
    private let certificate: TestCertificate
    private let identity: TLSIdentity

    init() throws {
        certificate = try TestCertificate()
        identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
    }

    private func digest(_ harness: LoopHarness) throws -> [UInt8] {
        try TLSClient(to: harness.address).certificateDigest
    }

    @Test func `files that are as they were are not read again`() throws {
        #expect(try identity.reloadIfChanged() == false)
        try certificate.renew()
        #expect(try identity.reloadIfChanged())
        #expect(try identity.reloadIfChanged() == false)
    }

    @Test func `a pair of which one half is written keeps the old one until the other is`() throws {
        let harness = try LoopHarness(echoingWith: identity)
        let old = try digest(harness)
        let fresh = try TestCertificate()

        #expect(system("cp \(fresh.certificateFile) \(certificate.certificateFile)") == 0)
        let error = #expect(throws: TLSConfigurationError.self) {
            try identity.reloadIfChanged()
        }
        #expect(error?.description.contains(certificate.keyFile) == true)
        #expect(try digest(harness) == old)
        #expect(identity.failedReloadCount == 1)
        // Nothing has changed since: no second error.
        #expect(try identity.reloadIfChanged() == false)

        #expect(system("cp \(fresh.keyFile) \(certificate.keyFile)") == 0)
        #expect(try identity.reloadIfChanged())
        #expect(try digest(harness) != old)
        #expect(identity.failedReloadCount == 1)
    }

    @Test func `a link that is turned elsewhere is a change`() throws {
        let fresh = try TestCertificate()
        let link = certificate.directory + "/current"
        #expect(system("ln -s \(certificate.directory) \(link)") == 0)
        let linked = try TLSIdentity(
            certificateFile: link + "/cert.pem", keyFile: link + "/key.pem")

        #expect(system("ln -sfn \(fresh.directory) \(link)") == 0)

        #expect(try linked.reloadIfChanged())
    }

    @Test func `a file that has gone is an error, and nothing else changes`() throws {
        let harness = try LoopHarness(echoingWith: identity)
        #expect(system("rm \(certificate.keyFile)") == 0)

        let error = #expect(throws: TLSConfigurationError.self) {
            try identity.reloadIfChanged()
        }

        #expect(error?.description.contains("No such file") == true)
        _ = try digest(harness)
    }

    @Test(arguments: [(-1, "expired"), (1, "expires in"), (90, "")])
    func `an operator hears in time that a certificate ends`(dayCount: Int, word: String) throws {
        let certificate = try TestCertificate(dayCount: dayCount)
        let identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)

        let warnings = identity.warnings.joined()
        #expect(word.isEmpty ? warnings.isEmpty : warnings.contains(word))
        #expect(word.isEmpty || warnings.contains(certificate.certificateFile))
        let seconds = SystemTime().wallNow.seconds + Int64(dayCount) * 86_400
        #expect(identity.expiries.map(\.certificateFile) == [certificate.certificateFile])
        #expect(abs(identity.expiries[0].seconds - seconds) < 600)
    }

    @Test func `a key behind a password is refused, and nobody is asked for it`() throws {
        let locked = certificate.directory + "/locked.pem"
        #expect(
            system(
                "openssl ec -in \(certificate.keyFile) -aes256 -passout pass:x -out \(locked)"
                    + " 2>/dev/null") == 0)
        let error = #expect(throws: TLSConfigurationError.self) {
            _ = try TLSIdentity(
                certificateFile: certificate.certificateFile, keyFile: locked)
        }
        #expect(error?.description.contains("without a password") == true)
    }
}
