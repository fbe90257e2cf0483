// Tokens of an authority, with its keys in the ring: whose are good, for whom, until when.

import Hub
import Loop
import Testing
import TestSupport
import WS

@testable import Services

private let rsa = TestKey.rsa
private let ec = TestKey(.p256)
private let stranger = TestKey(.p256)
private let secret = Array("a-secret-of-more-than-thirty-two-bytes".utf8)
/// FakeClock's first second: 2026-01-01T00:00:00Z.
private let now: Int64 = 1_767_225_600
private let issuer = "https://login.example/tenant"

/// An authenticator for the tokens of one authority.
private struct Gate {
    let clock = FakeClock()
    let ring = KeyRing()
    let authenticator: Authenticator

    init(_ adjust: (inout IdentitySettings) -> Void = { _ in }) throws {
        var settings = IdentitySettings()
        settings.authority = try HTTPURL("https://login.example/tenant")
        settings.audience = "shop"
        settings.signingKey = secret
        adjust(&settings)
        authenticator = Authenticator(settings, ring: ring, time: clock)
        try install(rsa.jwk(("kid", "\"r\"")), ec.jwk(("kid", "\"e\"")))
    }

    func install(_ keys: String...) throws {
        let set = try JSONWebKeySet(
            parsing: Array("{\"keys\":[\(keys.joined(separator: ","))]}".utf8))
        ring.install(issuer: issuer, set)
    }

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

private func claims(
    _ more: String = "", subject: String = "CUST-0001", issuer: String = issuer,
    audience: String = "shop", expiry: Int64 = now + 600
) -> String {
    #"{"sub":"\#(subject)","iss":"\#(issuer)","aud":"\#(audience)","exp":\#(expiry)\#(more)}"#
}

@Suite struct AuthorityTokensTests {
    @Test func `a token of the authority names its user and its end`() throws {
        let gate = try Gate()
        let principal = Principal(
            user: "CUST-0001", expiresAt: WallTime(microseconds: (now + 600) * 1_000_000))
        for algorithm in [TokenAlgorithm.rs256, .rs512, .ps256, .ps384] {
            #expect(gate.outcome(rsa.token(claims(), algorithm, id: "r")) == .success(principal))
        }
        #expect(gate.outcome(ec.token(claims(), .es256, id: "e")) == .success(principal))
    }

    @Test func `a token need not name its key`() throws {
        #expect(try Gate().isGood(ec.token(claims(), .es256)))
    }

    @Test(arguments: [#"{"alg":"ES256","kid":"e","typ":"at+jwt"}"#, #"{"alg":"ES256","typ":1}"#])
    func `the type of the token does not matter`(header: String) throws {
        #expect(try Gate().isGood(ec.token(claims(), .es256, header: header)))
    }

    @Test func `no change of a single character passes`() throws {
        let gate = try Gate()
        let good = Array(ec.token(claims(), .es256, id: "e").utf8)
        for index in good.indices {
            for replacement in [UInt8(ascii: "A"), UInt8(ascii: "."), 0xC3]
            where good[index] != replacement {
                var changed = good
                changed[index] = replacement
                #expect(!gate.isGood(String(decoding: changed, as: UTF8.self)))
            }
        }
        for count in good.indices {
            #expect(!gate.isGood(String(decoding: good[..<count], as: UTF8.self)))
        }
        #expect(gate.isGood(String(decoding: good, as: UTF8.self)))
    }

    // MARK: Algorithms

    @Test func `a public key never serves as a secret`() throws {
        // The classic: HS256 keyed with something everybody can read.
        let gate = try Gate { $0.isDevelopment = true }
        for text in [rsa.jwk(), Base64URL.encode(rsa.numbers["n"]!)] {
            let token = JSONWebToken.sign(claims: Array(claims().utf8), with: Array(text.utf8))
            #expect(gate.outcome(token) == .failure(.signature))
        }
        for (key, id) in [(rsa, "r"), (ec, "e")] {
            let header = #"{"alg":"HS256","kid":"\#(id)"}"#
            let algorithm = id == "r" ? TokenAlgorithm.rs256 : .es256
            let token = key.token(claims(), algorithm, header: header)
            #expect(gate.outcome(token) == .failure(.signature))
        }
    }

    @Test func `a secret serves beside an authority in development only`() throws {
        let token = JSONWebToken.sign(claims: Array(claims().utf8), with: secret)
        #expect(try Gate().outcome(token) == .failure(.algorithm))
        #expect(try Gate { $0.isDevelopment = true }.isGood(token))
    }

    @Test(arguments: ["none", "None", "NONE", "", "RS1", "ES256K", "HS512", "EdDSA "])
    func `an algorithm that is not on the list is refused`(name: String) throws {
        let header = #"{"alg":"\#(name)","kid":"e"}"#
        let token = ec.token(claims(), .es256, header: header)
        #expect(try Gate().outcome(token) == .failure(.algorithm))
        let parts = token.split(separator: ".")
        #expect(try Gate().outcome("\(parts[0]).\(parts[1]).") == .failure(.algorithm))
    }

    @Test func `the operator may shorten the list`() throws {
        let gate = try Gate { $0.algorithms = [.es256] }
        #expect(gate.isGood(ec.token(claims(), .es256, id: "e")))
        #expect(gate.outcome(rsa.token(claims(), .rs256, id: "r")) == .failure(.algorithm))
    }

    @Test func `a token signed for one algorithm is none of another`() throws {
        let gate = try Gate()
        let header = #"{"alg":"PS256","kid":"r"}"#
        #expect(
            gate.outcome(rsa.token(claims(), .rs256, header: header)) == .failure(.signature))
    }

    @Test func `a key's id does not make it fit`() throws {
        let gate = try Gate()
        #expect(gate.outcome(ec.token(claims(), .es256, id: "r")) == .failure(.unknownKey))
        #expect(gate.outcome(stranger.token(claims(), .es256, id: "e")) == .failure(.signature))
    }

    @Test func `what must be understood and is not is refused`() throws {
        let header = #"{"alg":"ES256","crit":["exp"]}"#
        #expect(
            try Gate().outcome(ec.token(claims(), .es256, header: header))
                == .failure(.criticalExtension))
    }

    @Test func `an id that is no text is malformed`() throws {
        let header = #"{"alg":"ES256","kid":7}"#
        #expect(
            try Gate().outcome(ec.token(claims(), .es256, header: header))
                == .failure(.malformedClaim("kid")))
    }

    // MARK: Claims

    @Test func `issuer and audience must be ours`() throws {
        let gate = try Gate()
        for (text, error) in [
            (claims(issuer: "https://login.example/tenant/"), TokenError.issuer),
            (claims(issuer: "https://evil.example"), .issuer),
            (claims(audience: "Shop"), .audience),
            (#"{"sub":"u","exp":\#(now + 600),"aud":"shop"}"#, .issuer),
            (#"{"sub":"u","exp":\#(now + 600),"iss":"\#(issuer)"}"#, .audience),
            (#"{"sub":"u","iss":"\#(issuer)","aud":"shop"}"#, .neverExpires),
        ] {
            #expect(gate.outcome(ec.token(text, .es256, id: "e")) == .failure(error))
        }
    }

    @Test func `where no audience is set no token is for us`() throws {
        let gate = try Gate { $0.audience = nil }
        #expect(gate.outcome(ec.token(claims(), .es256, id: "e")) == .failure(.audience))
    }

    @Test(arguments: [(-31, false), (-30, false), (-29, true), (0, true)])
    func `a token is good until its end and the skew are over`(seconds: Int64, isGood: Bool) throws
    {
        let token = ec.token(claims(expiry: now + seconds), .es256, id: "e")
        #expect(try Gate().isGood(token) == isGood)
    }

    @Test(arguments: [(30, true), (31, false)])
    func `a token is good from its start less the skew`(seconds: Int64, isGood: Bool) throws {
        let token = ec.token(claims(#","nbf":\#(now + seconds)"#), .es256, id: "e")
        #expect(try Gate().isGood(token) == isGood)
    }

    @Test func `a token seen before still ends`() throws {
        let gate = try Gate()
        let token = ec.token(claims(expiry: now + 10), .es256, id: "e")
        #expect(gate.isGood(token))
        gate.clock.advance(by: .seconds(39))
        #expect(gate.isGood(token))
        gate.clock.advance(by: .seconds(1))
        #expect(gate.outcome(token) == .failure(.expired))
    }

    // MARK: Keys

    @Test func `before the keys have come nothing is good and nobody is ready`() throws {
        var settings = IdentitySettings()
        settings.authority = try HTTPURL("https://login.example")
        settings.audience = "shop"
        let ring = KeyRing()
        let authenticator = Authenticator(settings, ring: ring, time: FakeClock())
        #expect(throws: TokenError.noKeys) {
            try authenticator.authenticate(token: ec.token(claims(), .es256, id: "e").utf8)
        }
        #expect(!ring.isReady)
    }

    @Test func `a key that is not there is asked for, and good once it is`() throws {
        let gate = try Gate()
        let token = stranger.token(claims(), .es256, id: "new")

        #expect(gate.outcome(token) == .failure(.unknownKey))
        #expect(gate.ring.takeRefreshWish())
        #expect(!gate.ring.takeRefreshWish())

        try gate.install(ec.jwk(("kid", "\"e\"")), stranger.jwk(("kid", "\"new\"")))
        #expect(gate.isGood(token))
        #expect(!gate.ring.takeRefreshWish())
    }

    @Test func `a bad signature asks for no key`() throws {
        let gate = try Gate()
        #expect(!gate.isGood(stranger.token(claims(), .es256, id: "e")))
        #expect(!gate.ring.takeRefreshWish())
    }

    @Test func `a key that is gone takes its tokens with it, seen before or not`() throws {
        let gate = try Gate()
        let token = ec.token(claims(), .es256, id: "e")
        #expect(gate.isGood(token))
        try gate.install(rsa.jwk(("kid", "\"r\"")))
        #expect(gate.outcome(token) == .failure(.unknownKey))
    }

    @Test func `a token without an id is tried with a few keys only`() throws {
        let gate = try Gate()
        let others = (0..<Authenticator.candidateCountMax).map { _ in TestKey(.p256).jwk() }
        let last = others.dropLast().joined(separator: ",") + "," + ec.jwk()
        let tooLate = others.joined(separator: ",") + "," + ec.jwk()
        let token = ec.token(claims(), .es256)
        for (keys, isGood) in [(last, true), (tooLate, false)] {
            gate.ring.install(
                issuer: issuer, try JSONWebKeySet(parsing: Array("{\"keys\":[\(keys)]}".utf8)))
            #expect(gate.isGood(token) == isGood)
        }
    }
}

@Suite struct IdentitySettingsTests {
    private func problems(_ adjust: (inout IdentitySettings) throws -> Void) rethrows -> [String] {
        var settings = IdentitySettings()
        try adjust(&settings)
        return settings.problems.map(\.setting)
    }

    @Test func `what contradicts itself is named`() throws {
        #expect(problems { _ in } == [])
        #expect(problems { $0.algorithms = [.rs256] } == ["jwt.algorithms"])
        #expect(
            try problems {
                $0.authority = try HTTPURL("http://a")
                $0.algorithms = [.hs256]
            } == ["jwt.authority", "jwt.audience", "jwt.algorithms"])
        #expect(
            try problems {
                $0.authority = try HTTPURL("http://a")
                $0.audience = "shop"
                $0.isDevelopment = true
            } == [])
    }
}

@Suite struct VerifiedTokensTests {
    private let end = WallTime(microseconds: 1000)
    private let start = WallTime(microseconds: 0)

    private func digest(_ number: Int) -> VerifiedTokens.Digest {
        VerifiedTokens.Digest(Array("token \(number)".utf8))
    }

    private func principal(_ number: Int) -> Principal {
        Principal(user: "u\(number)", expiresAt: end)
    }

    @Test func `a token is found until its end, under the keys that verified it`() {
        let tokens = VerifiedTokens(countMax: 4)
        tokens.remember(principal(1), until: end, digest(1), version: 1)

        #expect(tokens.find(digest(1), version: 1, at: start) == principal(1))
        #expect(tokens.find(digest(2), version: 1, at: start) == nil)
        #expect(tokens.find(digest(1), version: 2, at: start) == nil)
        #expect(tokens.find(digest(1), version: 1, at: end) == nil)
    }

    @Test func `newer keys forget all, and a late answer of older ones is dropped`() {
        let tokens = VerifiedTokens(countMax: 4)
        tokens.remember(principal(1), until: end, digest(1), version: 1)
        tokens.remember(principal(2), until: end, digest(2), version: 2)
        tokens.remember(principal(3), until: end, digest(3), version: 1)

        #expect(tokens.find(digest(1), version: 2, at: start) == nil)
        #expect(tokens.find(digest(2), version: 2, at: start) == principal(2))
        #expect(tokens.find(digest(3), version: 2, at: start) == nil)
    }

    @Test func `the bound holds, and what is used stays`() {
        let tokens = VerifiedTokens(countMax: 8)
        for number in 0..<100 {
            tokens.remember(principal(number), until: end, digest(number), version: 1)
            #expect(tokens.find(digest(0), version: 1, at: start) == principal(0))
        }
        let kept = (0..<100).filter { tokens.find(digest($0), version: 1, at: start) != nil }
        #expect(kept.count <= 8)
        #expect(kept.contains(0) && kept.contains(99))
    }
}
