import Glibc
import TestSupport
import Testing

@testable import Loop

/// RFC 6066 §8, RFC 6960: OCSP responses that go out with their certificates.
@Suite(.timeLimit(.minutes(2))) struct TLSStapleTests {
    private let authority: TestAuthority
    private let shop: TestAuthority.Issued
    private let api: TestAuthority.Issued

    init() throws {
        authority = try TestAuthority()
        shop = try authority.issue("shop.example", subject: "/CN=shop")
        api = try authority.issue("api.example", subject: "/CN=api")
    }

    private func identity(
        _ staples: [String], time: any TimeSource = SystemTime()
    ) throws -> TLSIdentity {
        var settings = TLSSettings(
            certificates: [shop, api].map {
                .init(certificate: $0.certificateFile, key: $0.keyFile)
            })
        settings.stapleFiles = staples
        return try TLSIdentity(settings, time: time)
    }

    private func staple(of name: String, _ server: LoopHarness) throws -> [UInt8] {
        var options = TLSClient.Options()
        options.serverName = name
        options.wantsStaple = true
        return try TLSClient(to: server.address, options).staple
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        let file = try TLSFile(path, "the file", hint: "")
        let content = file.readAll(byteCountMax: 16_384)
        return try #require(content)
    }

    @Test func `each certificate goes out with the response that is for it, in any order`() throws {
        let files = [try authority.staple(for: api), try authority.staple(for: shop)]
        let identity = try identity(files)
        let server = try LoopHarness(echoingWith: identity)

        #expect(try staple(of: "api.example", server) == bytes(files[0]))
        #expect(try staple(of: "shop.example", server) == bytes(files[1]))
        #expect(identity.warnings.allSatisfy { $0.contains("expires in") })
    }

    @Test func `a response for one certificate is not sent with another`() throws {
        let server = try LoopHarness(echoingWith: identity([authority.staple(for: api)]))

        #expect(try staple(of: "shop.example", server).isEmpty)
        #expect(try !staple(of: "api.example", server).isEmpty)
    }

    @Test func `a response that runs out is not sent any more, and the operator hears of it`()
        throws
    {
        let clock = FakeClock(wall: SystemTime().wallNow)
        let identity = try identity([authority.staple(for: shop)], time: clock)
        let server = try LoopHarness(echoingWith: identity)
        #expect(try !staple(of: "shop.example", server).isEmpty)

        clock.advance(by: .seconds(25 * 3600))

        #expect(try staple(of: "shop.example", server).isEmpty)
        #expect(identity.warnings.contains { $0.contains(".ocsp") && $0.contains("expired") })
    }

    /// The warning of a file, after checking that a server with it serves, and staples nothing.
    private func refusal(_ file: String, time: any TimeSource = SystemTime()) throws -> String {
        let identity = try identity([file], time: time)
        let server = try LoopHarness(echoingWith: identity)
        #expect(try staple(of: "shop.example", server).isEmpty)
        return identity.warnings.filter { $0.contains("OCSP") }.joined()
    }

    @Test func `what is wrong with a response is said, and the server starts without it`() throws {
        let missing = authority.directory + "/none.ocsp"
        #expect(try refusal(missing).contains(missing))
        #expect(try refusal(shop.certificateFile).contains("no DER"))
        let late = FakeClock(wall: SystemTime().wallNow.advanced(by: .seconds(25 * 3600)))
        #expect(try refusal(authority.staple(for: shop), time: late).contains("expired"))
        let early = FakeClock(wall: SystemTime().wallNow.advanced(by: .seconds(-3600)))
        #expect(try refusal(authority.staple(for: shop), time: early).contains("future"))
        #expect(
            try refusal(authority.staple(for: shop, isRevoked: true)).contains("revoked"))
        let other = try authority.issue("other.example", subject: "/CN=other")
        #expect(try refusal(authority.staple(for: other)).contains("none of the certificates"))
    }

    @Test func `a response that somebody else has signed is refused`() throws {
        let other = try TestAuthority()
        let impostor = try other.issue("i.example", subject: "/CN=i", usage: "OCSPSigning")

        #expect(
            try refusal(authority.staple(for: shop, signer: impostor)).contains("not signed it"))
    }

    @Test func `a new response is stapled from the next look at the files on`() throws {
        let file = try authority.staple(for: shop, isRevoked: true)
        let identity = try identity([file])
        let server = try LoopHarness(echoingWith: identity)
        #expect(try staple(of: "shop.example", server).isEmpty)

        _ = try authority.staple(for: shop)
        #expect(try identity.reloadIfChanged())

        #expect(try !staple(of: "shop.example", server).isEmpty)
    }
}
