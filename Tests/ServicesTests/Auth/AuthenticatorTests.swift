import Hub
import Loop
import Testing
import TestSupport

@testable import Services

private let key = Array("dev-it-signing-key-please-change-123456".utf8)
/// FakeClock's first second: 2026-01-01T00:00:00Z.
private let now: Int64 = 1_767_225_600

private func authenticator(
    issuer: String? = nil, audience: String? = nil, time: FakeClock = FakeClock()
) -> Authenticator {
    var settings = IdentitySettings()
    settings.signingKey = key
    settings.issuer = issuer
    settings.audience = audience
    return Authenticator(settings, ring: nil, time: time)
}

private func outcome(
    _ token: String, issuer: String? = nil, audience: String? = nil
) -> Result<Principal, TokenError> {
    do throws(TokenError) {
        let authenticator = authenticator(issuer: issuer, audience: audience)
        return .success(try authenticator.authenticate(token: token.utf8))
    } catch {
        return .failure(error)
    }
}

/// Signs any claims under any header, as an attacker who has the key could.
private func token(_ claims: String, header: String = #"{"alg":"HS256"}"#) -> String {
    let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
    return signed + "." + Base64URL.encode(HMACSHA256.sign(Array(signed.utf8), key: key))
}

/// RFC 7519, RFC 8725, and the claim rules of the .NET system.
@Suite("Authenticator") struct AuthenticatorTests {
    @Test func `a good token names its user and its end`() {
        let result = outcome(token(#"{"sub":"CUST-0001","exp":\#(now + 60)}"#))

        let end = WallTime(microseconds: (now + 60) * 1_000_000)
        #expect(result == .success(Principal(user: "CUST-0001", expiresAt: end)))
    }

    @Test func `the example of RFC 7515 A.1 verifies with its key`() throws {
        let secret = try #require(
            Base64URL.decode(
                ("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"
                    + "aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow").utf8))
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
            + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

        let claims = try JSONWebToken(token.utf8).claims(signedByOneOf: [.hs256(secret)])

        #expect(claims["iss"] == .string("joe"))
    }

    @Test func `no truncation of a good token passes`() {
        let good = token(#"{"sub":"CUST-0001","exp":\#(now + 60)}"#)
        for count in 0..<good.utf8.count {
            guard case .failure = outcome(String(good.prefix(count))) else {
                Issue.record("\(count) bytes passed")
                return
            }
        }
    }

    @Test func `no change of a single character passes`() {
        let good = Array(token(#"{"sub":"CUST-0001","exp":\#(now + 60)}"#).utf8)
        for index in good.indices {
            for replacement in [UInt8(ascii: "A"), UInt8(ascii: "."), UInt8(ascii: "="), 0xC3, 0] {
                guard good[index] != replacement else { continue }
                var changed = good
                changed[index] = replacement
                #expect(throws: TokenError.self) {
                    try authenticator().authenticate(token: changed)
                }
            }
        }
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"hs256"}"#, #"{"alg":"HS512"}"#,
        #"{"alg":"RS256"}"#, #"{"alg":"ES256"}"#, #"{"alg":""}"#, #"{"alg":null}"#,
        #"{"alg":["HS256"]}"#, #"{"typ":"JWT"}"#,
    ])
    func `only the exact name of an allowed algorithm will do`(header: String) {
        #expect(
            outcome(token(#"{"sub":"u","exp":9999999999}"#, header: header)) == .failure(.algorithm)
        )
    }

    @Test func `a token without a signature is refused`() {
        let claims = Base64URL.encode(Array(#"{"sub":"u","exp":9999999999}"#.utf8))
        let header = Base64URL.encode(Array(#"{"alg":"none"}"#.utf8))

        #expect(outcome("\(header).\(claims).") == .failure(.algorithm))
        #expect(outcome("\(header).\(claims)") == .failure(.notAToken))
    }

    @Test func `a demanded extension we do not know is refused`() {
        let header = #"{"alg":"HS256","crit":["b64"],"b64":false}"#
        #expect(outcome(token("{}", header: header)) == .failure(.criticalExtension))
    }

    @Test(arguments: ["..", "...", "a.b.c.d", ".a.b", "a..b", "a.b.", "a b.c.d", "é.é.é"])
    func `anything but three parts of base64url is no token`(text: String) {
        guard case .failure = outcome(text) else {
            Issue.record("passed")
            return
        }
    }

    @Test func `a token one byte over the limit is refused unread`() {
        let limit = JSONWebToken.byteCountMax
        #expect(outcome(String(repeating: "a", count: limit)) == .failure(.notAToken))
        #expect(outcome(String(repeating: "a", count: limit + 1)) == .failure(.tooLong))
        #expect(outcome("") == .failure(.missing))
    }

    @Test(arguments: [
        #"{"sub":"a","sub":"b","exp":9999999999}"#, #"{"exp":9999999999,"exp":9999999998}"#,
        "[]", "1", #""x""#, "{", #"{"sub":"a","exp":9999999999} "x""#,
        #"{"a":[[[[[[[[[[]]]]]]]]]],"exp":9999999999}"#,
    ])
    func `claims that are no object, twice there or too deep are refused`(claims: String) {
        #expect(outcome(token(claims)) == .failure(.malformedJSON))
    }

    @Test(arguments: [(-31, false), (-30, false), (-29, true), (0, true), (1, true)])
    func `a token is good until its end and the skew are over`(seconds: Int64, isGood: Bool) {
        let result = outcome(token(#"{"sub":"u","exp":\#(now + seconds)}"#))
        #expect((result != .failure(.expired)) == isGood)
    }

    @Test func `a token seen before is good as long as a new one, and no longer`() throws {
        let time = FakeClock()
        let authenticator = authenticator(time: time)
        let good = token(#"{"sub":"u","exp":\#(now + 60)}"#)
        let first = try authenticator.authenticate(token: good.utf8)
        time.advance(by: .seconds(89))
        #expect(try authenticator.authenticate(token: good.utf8) == first)

        time.advance(by: .seconds(1))

        #expect(throws: TokenError.expired) { try authenticator.authenticate(token: good.utf8) }
    }

    @Test func `what resembles a token seen before is verified anew`() throws {
        let authenticator = authenticator()
        let good = token(#"{"sub":"u","exp":\#(now + 60)}"#)
        _ = try authenticator.authenticate(token: good.utf8)
        let parts = good.split(separator: ".")
        let signature = token(#"{"sub":"v","exp":\#(now + 60)}"#).split(separator: ".")[2]

        #expect(throws: TokenError.signature) {
            try authenticator.authenticate(token: "\(parts[0]).\(parts[1]).\(signature)".utf8)
        }
    }

    @Test(arguments: [(0, true), (29, true), (30, true), (31, false)])
    func `a token is good from its start less the skew`(seconds: Int64, isGood: Bool) {
        let result = outcome(token(#"{"sub":"u","nbf":\#(now + seconds),"exp":\#(now + 900)}"#))
        #expect((result != .failure(.notYetValid)) == isGood)
    }

    @Test(arguments: [
        "1e400", "-1e400", "1e17", "9223372036854775808", "\"9999999999\"", "null", "true", "[1]",
    ])
    func `an end that is no moment is malformed, never an overflow`(text: String) {
        #expect(outcome(token(#"{"sub":"u","exp":\#(text)}"#)) == .failure(.malformedClaim("exp")))
    }

    @Test func `the largest moment that is allowed does not overflow`() {
        guard case .success = outcome(token(#"{"sub":"u","exp":9007199254740992}"#)) else {
            Issue.record("refused")
            return
        }
        #expect(
            outcome(token(#"{"exp":1,"nbf":-9007199254740992}"#)) == .failure(.expired))
    }

    @Test func `a fraction of a second is cut`() {
        guard case .success(let principal) = outcome(token(#"{"sub":"u","exp":\#(now + 5).9}"#))
        else {
            Issue.record("refused")
            return
        }
        #expect(principal.expiresAt?.seconds == now + 5)
    }

    @Test func `a token without an end is refused`() {
        #expect(outcome(token(#"{"sub":"u"}"#)) == .failure(.neverExpires))
    }

    @Test func `the issuer counts only where one is configured`() {
        let claims = #"{"sub":"u","exp":\#(now + 60),"iss":"i"}"#

        guard case .success = outcome(token(claims)),
            case .success = outcome(token(claims), issuer: "i")
        else {
            Issue.record("refused")
            return
        }
        #expect(outcome(token(claims), issuer: "I") == .failure(.issuer))
        #expect(outcome(token(#"{"exp":\#(now + 60)}"#), issuer: "i") == .failure(.issuer))
    }

    @Test(arguments: [
        (#""shop""#, true), (#"["other","shop"]"#, true), (#"[]"#, false), (#"["Shop"]"#, false),
        (#""shops""#, false), ("null", false), ("[[\"shop\"]]", false),
    ])
    func `the audience is one text or a list of texts`(audience: String, isGood: Bool) {
        let claims = #"{"sub":"u","exp":\#(now + 60),"aud":\#(audience)}"#
        #expect((outcome(token(claims), audience: "shop") != .failure(.audience)) == isGood)
    }

    @Test(
        arguments: [
            (#""sub":"a","oid":"c""#, "a"), (#""oid":"c""#, "c"),
            (#""oid":"c","\#(TokenClaims.nameIdentifier)":"b""#, "b"), (#""name":"n""#, nil),
            (#""sub":"","oid":"c""#, nil), (#""sub":" a ""#, " a "), (#""sub":"a\u0000b""#, nil),
        ] as [(String, String?)])
    func `the subject is the first claim that is there, empty or not`(claims: String, user: String?)
    {
        let result = outcome(token(#"{\#(claims),"exp":\#(now + 60)}"#))
        guard case .success(let principal) = result else {
            Issue.record("refused: \(result)")
            return
        }
        #expect(principal.user == user)
    }

    @Test(arguments: [(63, true), (64, true), (65, false)])
    func `a subject has at most 64 characters`(count: Int, isGood: Bool) {
        let user = String(repeating: "é", count: count)
        guard
            case .success(let principal) = outcome(token(#"{"sub":"\#(user)","exp":\#(now + 60)}"#))
        else {
            Issue.record("refused")
            return
        }
        #expect((principal.user == user) == isGood)
    }

    @Test(arguments: ["1", "null", "[\"u\"]"])
    func `a subject that is no text is malformed`(subject: String) {
        let result = outcome(token(#"{"sub":\#(subject),"exp":\#(now + 60)}"#))
        #expect(result == .failure(.malformedClaim("sub")))
    }

    @Test func `the query's token wins over the header's`() throws {
        let good = token(#"{"sub":"q","exp":\#(now + 60)}"#)
        let other = token(#"{"sub":"h","exp":\#(now + 60)}"#)
        let authenticator = authenticator()

        let both = try authenticator.authenticate(
            authorization: "Bearer \(other)", queryToken: good)
        let header = try authenticator.authenticate(authorization: "bEARER  \(other)")

        #expect(both.user == "q")
        #expect(header.user == "h")
        #expect(throws: TokenError.missing) {
            try authenticator.authenticate(authorization: "Bearer \(other)", queryToken: "")
        }
    }

    @Test(
        arguments: [nil, "", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "Béarer x"] as [String?]
    )
    func `a header without a bearer token is a missing token`(header: String?) {
        #expect(throws: TokenError.missing) {
            try authenticator().authenticate(authorization: header)
        }
    }
}

@Suite("DevTokens") struct DevTokensTests {
    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.signingKey = SigningKey.documented
        configuration.tokenAlgorithms = [.hs256]
        configuration.devTokenLifetime = .seconds(7200)
        return configuration
    }

    private func authenticator(_ rules: Configuration, _ time: FakeClock) -> Authenticator {
        Authenticator(IdentitySettings(rules), ring: nil, time: time)
    }

    @Test func `a dev token has the claims of the .NET system's and passes`() throws {
        let time = FakeClock()
        let issued = DevTokens(configuration, time: time).issue(for: "CUST-\"1\"")
        let claims = try JSONWebToken(issued.token.utf8).claims(
            signedByOneOf: [.hs256(Array(SigningKey.documented.utf8))])
        let principal = try authenticator(configuration, time).authenticate(
            token: issued.token.utf8)

        #expect(
            claims.members.map(\.name) == [
                "sub", TokenClaims.nameIdentifier, TokenClaims.name, "nbf", "exp", "iss", "aud",
            ])
        #expect(claims["nbf"] == .number("\(now)"))
        #expect(claims["exp"] == .number("\(now + 7200)"))
        #expect(claims["iss"] == .string("contoso-order-notification-dev"))
        #expect(principal == Principal(user: "CUST-\"1\"", expiresAt: issued.expiresAt))
    }

    @Test func `a dev token ends when its lifetime is over`() {
        let time = FakeClock()
        let issued = DevTokens(configuration, time: time).issue(for: "u", lifetime: .seconds(60))

        time.advance(by: .seconds(61))

        #expect(throws: TokenError.expired) {
            var rules = configuration
            rules.clockSkew = .zero
            _ = try authenticator(rules, time).authenticate(token: issued.token.utf8)
        }
    }
}
