// The whole way: a fake authority on a loop of its own, over TLS, and the link that asks it.

import Loop
import Synchronization
import Testing
import TestSupport
import WS

@testable import Services

/// An authority whose answers a test changes while it runs.
private final class FakeAuthority: Sendable {
    struct Answers: Sendable {
        var keys: [String] = []
        /// Instead of the key set.
        var document: String?
        var status = HTTPStatus.ok
        var fields: [(String, String)] = []
        /// What the metadata says of itself; nil: the authority's own URL.
        var issuer: String?
    }

    let answers: Monitor<Answers>
    /// Answers given by path.
    let counts = Monitor<[String: Int]>([:])
    let certificate: TestCertificate

    init(_ keys: String...) throws {
        answers = Monitor(Answers(keys: keys))
        certificate = try TestCertificate()
    }

    func start() throws -> LoopHarness {
        let identity = try TLSIdentity(
            certificateFile: certificate.certificateFile, keyFile: certificate.keyFile)
        return try LoopHarness { [self] reactor in
            let origin = Monitor("")
            var router = Router()
            router.fallback { [self] request in
                respond(to: request.path, at: origin.withLock { $0 })
            }
            let server = HTTPServer(reactor: reactor, router: router)
            let address = try reactor.listen(host: "127.0.0.1", port: 0, identity: identity) { _ in
                server.makeHandler()
            }
            origin.update { $0 = "https://localhost:\(address.split(separator: ":").last!)" }
            return address
        }
    }

    private func respond(to path: String, at origin: String) -> Response {
        counts.update { $0[path, default: 0] += 1 }
        let answers = answers.withLock { $0 }
        guard answers.status == .ok else { return Response(answers.status) }
        var response: Response
        if path.hasSuffix("/.well-known/openid-configuration") {
            let issuer = answers.issuer ?? origin + "/tenant"
            response = .json(
                Array(#"{"issuer":"\#(issuer)","jwks_uri":"\#(origin)/keys"}"#.utf8))
        } else {
            let text = answers.document ?? "{\"keys\":[\(answers.keys.joined(separator: ","))]}"
            response = .json(Array(text.utf8))
        }
        for field in answers.fields { response.add(field.0, field.1) }
        return response
    }
}

/// The link on its own loop, and an authenticator beside it.
private final class Client {
    let ring = KeyRing()
    let status = LinkStatus(name: "authority")
    let authenticator: Authenticator
    private let group = LoopGroup()

    init(
        _ authority: FakeAuthority, _ address: String,
        _ adjust: (inout IdentitySettings) -> Void = { _ in }
    ) throws {
        var settings = IdentitySettings()
        let port = address.split(separator: ":").last!
        settings.authority = try HTTPURL("https://localhost:\(port)/tenant")
        settings.authorityCertificates = authority.certificate.certificateFile
        settings.audience = "shop"
        settings.refresh.retryFirst = .milliseconds(10)
        settings.refresh.retryMost = .milliseconds(10)
        settings.refresh.missingKeyInterval = .milliseconds(10)
        adjust(&settings)
        authenticator = Authenticator(settings, ring: ring)
        try group.start(count: 1, name: "links", limits: Limits()) {
            [settings, ring, status] reactor, _ in
            try AuthorityLink.start(on: reactor, settings, ring: ring, status: status)
        }
    }

    deinit { group.stop() }

    func outcome(_ token: String) -> Result<Principal, TokenError> {
        do throws(TokenError) {
            return .success(try authenticator.authenticate(token: token.utf8))
        } catch {
            return .failure(error)
        }
    }

    func isGood(_ token: String) -> Bool {
        if case .success = outcome(token) { return true }
        return false
    }
}

/// Asks again until it holds; false after half a minute.
private func becomesTrue(_ condition: () -> Bool) -> Bool {
    let pause = Monitor(())
    for _ in 0..<3000 {
        if condition() { return true }
        _ = pause.wait(atMost: .milliseconds(10)) { _ -> Bool? in nil }
    }
    return false
}

private let first = TestKey(.p256)
private let second = TestKey(.ed25519)
/// 2096: these tests run on the machine's clock.
private let end = 3_976_214_400

private func claims(_ address: String, issuer: String? = nil) -> String {
    let issuer = issuer ?? "https://localhost:\(address.split(separator: ":").last!)/tenant"
    return #"{"sub":"CUST-0001","iss":"\#(issuer)","aud":"shop","exp":\#(end)}"#
}

@Suite struct AuthorityLinkTests {
    @Test func `keys come over TLS, and their tokens are good`() throws {
        let authority = try FakeAuthority(first.jwk(("kid", "\"1\"")))
        let harness = try authority.start()
        let client = try Client(authority, harness.address)

        #expect(becomesTrue { client.ring.isReady })
        #expect(client.isGood(first.token(claims(harness.address), .es256, id: "1")))
        #expect(client.status.isUp)
    }

    @Test func `the issuer is what the metadata says, unless it is pinned otherwise`() throws {
        let authority = try FakeAuthority(first.jwk(("kid", "\"1\"")))
        authority.answers.update { $0.issuer = "urn:authority" }
        let harness = try authority.start()
        let client = try Client(authority, harness.address)
        let pinned = try Client(authority, harness.address) { $0.issuer = "urn:other" }

        #expect(becomesTrue { client.ring.isReady })
        let token = first.token(claims(harness.address, issuer: "urn:authority"), .es256, id: "1")
        #expect(client.isGood(token))
        #expect(
            client.outcome(first.token(claims(harness.address), .es256, id: "1"))
                == .failure(.issuer))
        // One of the two asks once; so the pinned one has asked again after it was told.
        #expect(
            becomesTrue {
                authority.counts.withLock { $0["/tenant/\(AuthorityMetadata.path)"] ?? 0 } > 3
            })
        #expect(!pinned.ring.isReady)
    }

    @Test func `a new key is good a moment after the first token signed with it`() throws {
        let authority = try FakeAuthority(first.jwk(("kid", "\"1\"")))
        let harness = try authority.start()
        let client = try Client(authority, harness.address)
        #expect(becomesTrue { client.ring.isReady })

        authority.answers.update { $0.keys = [second.jwk(("kid", "\"2\""))] }
        let old = first.token(claims(harness.address), .es256, id: "1")
        let new = second.token(claims(harness.address), .edDSA, id: "2")

        #expect(client.isGood(old))
        #expect(client.outcome(new) == .failure(.unknownKey))
        #expect(becomesTrue { client.isGood(new) })
        #expect(client.outcome(old) == .failure(.unknownKey))
    }

    @Test func `while the authority is away its last keys stay good`() throws {
        let authority = try FakeAuthority(first.jwk(("kid", "\"1\"")))
        let harness = try authority.start()
        let client = try Client(authority, harness.address)
        #expect(becomesTrue { client.ring.isReady })

        for change: @Sendable (inout FakeAuthority.Answers) -> Void in [
            { $0.status = .internalServerError },
            {
                $0.status = .ok; $0.document = "<html>"
            },
            { $0.document = #"{"keys":[]}"# },
            { $0.document = #"{"keys":[{"kty":"oct","k":"AAAA"}]}"# },
        ] {
            let lossCount = client.status.lossCount.load(ordering: .relaxed)
            authority.answers.update(change)
            client.ring.wantRefresh()
            #expect(becomesTrue { !client.status.isUp })
            #expect(client.status.lossCount.load(ordering: .relaxed) == lossCount + 1)
            #expect(client.isGood(first.token(claims(harness.address), .es256, id: "1")))
            authority.answers.update {
                $0.document = nil
                $0.status = .ok
            }
            #expect(becomesTrue { client.status.isUp })
        }
    }

    @Test func `an authority with a stranger's certificate is not believed`() throws {
        let authority = try FakeAuthority(first.jwk(("kid", "\"1\"")))
        let harness = try authority.start()
        let stranger = try TestCertificate()
        let client = try Client(authority, harness.address) {
            $0.authorityCertificates = stranger.certificateFile
        }
        let trusting = try Client(authority, harness.address)

        #expect(becomesTrue { trusting.ring.isReady })
        #expect(!client.ring.isReady)
        #expect(
            client.outcome(first.token(claims(harness.address), .es256, id: "1"))
                == .failure(.noKeys))
    }

    @Test func `a flood of made-up keys is one request per interval`() throws {
        let authority = try FakeAuthority(first.jwk(("kid", "\"1\"")))
        let harness = try authority.start()
        let client = try Client(authority, harness.address) {
            $0.refresh.missingKeyInterval = .seconds(3600)
        }
        #expect(becomesTrue { client.ring.isReady })

        for number in 0..<500 {
            let token = second.token(claims(harness.address), .edDSA, id: "made-up-\(number)")
            #expect(client.outcome(token) == .failure(.unknownKey))
        }
        // Long enough for the link to look several times.
        let pause = Monitor(())
        _ = pause.wait(atMost: .seconds(1)) { _ -> Bool? in nil }
        #expect(authority.counts.withLock { $0["/keys"] } == 1)
    }

    @Test(
        arguments: [
            ([], nil), (["max-age=60"], .seconds(60)), (["public, max-age=60, x"], .seconds(60)),
            (["MAX-AGE = 60"], .seconds(60)), (["no-store"], .zero),
            (["max-age=60, no-cache"], .zero), (["max-age=x"], nil), (["max-age=-1"], .zero),
            (["public", "max-age=\"7\""], .seconds(7)), (["max-age=99999999999"], nil),
        ] as [([String], Duration?)])
    func `how long keys may be kept is read from Cache-Control`(fields: [String], age: Duration?) {
        let response = ClientResponse(
            status: 200, fields: fields.map { (name: "cache-control", value: $0) }, body: [])
        #expect(AuthorityLink.maxAge(of: response) == age)
    }
}
