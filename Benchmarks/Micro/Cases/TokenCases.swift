// TokenCases: one token checked, with a secret and with the keys of an authority.
//
// Cold is a token seen for the first time: its signature is checked. A browser sends the same token
// again and again, and one of an authority is then found among those that were checked before.
//
// Thread: one.  Allocates: per token its parts and claims.

import CMicro
import Hub
import Loop
import Services
import TestSupport
import WS

extension MicroCase {
    static let tokenCases = [
        sharedSecret,
        authority("jwt.rs256.cold", isCached: false, "RS256") { TestKey(.rsa(bits: 2048)) },
        authority("jwt.es256.cold", isCached: false, "ES256") { TestKey(.p256) },
        authority("jwt.rs256.cached", isCached: true, "RS256") { TestKey(.rsa(bits: 2048)) },
    ]

    private static let user = "CUST-0001"
    private static let issuer = "https://login.contoso.example"
    private static let audience = "contoso-spa"
    /// Good until the year 2100; the clock stands still at the beginning of 2026.
    private static let claims = Array(
        """
        {"sub":"\(user)","name":"\(user)","nbf":1767225600,"exp":4102444800,"iss":"\(issuer)",\
        "aud":"\(audience)"}
        """.utf8)

    /// An operation gives the bytes of the user's name. Nothing is remembered of such a token.
    private static let sharedSecret = MicroCase("jwt.hs256", each: user.utf8.count) {
        let secret = Array("as long as HS256 wants a secret: 32 bytes, or more".utf8)
        var settings = IdentitySettings()
        settings.signingKey = secret
        settings.audience = audience
        let authenticator = Authenticator(settings, ring: nil, time: FakeClock())
        let token = Array(JSONWebToken.sign(claims: claims, with: secret).utf8)
        return { operationCount in
            Self.authenticate(token, operationCount) { authenticator }
        }
    }

    /// An operation gives the bytes of the user's name.
    private static func authority(
        _ name: String, isCached: Bool, _ algorithm: String,
        _ makeKey: @escaping @Sendable () -> TestKey
    ) -> MicroCase {
        MicroCase(name, each: user.utf8.count) {
            let key = makeKey()
            var settings = IdentitySettings()
            settings.authority = try HTTPURL(issuer)
            settings.audience = audience
            let ring = KeyRing()
            let keys = try JSONWebKeySet(parsing: Array("{\"keys\":[\(webKey(key))]}".utf8))
            ring.install(issuer: issuer, keys)
            let time = FakeClock()
            let token = signed(key, algorithm)
            let warm = Authenticator(settings, ring: ring, time: time)
            return { [settings] operationCount in
                Self.authenticate(token, operationCount) {
                    // A new one has not seen the token; making it is two small allocations.
                    isCached ? warm : Authenticator(settings, ring: ring, time: time)
                }
            }
        }
    }

    private static func authenticate(
        _ token: [UInt8], _ operationCount: Int, with authenticator: () -> Authenticator
    ) -> UInt64 {
        var sum: UInt64 = 0
        for _ in 0..<operationCount {
            token.withUnsafeBytes { cmicro_clobber($0.baseAddress) }
            // A token that is refused gives nothing, and the sum is wrong.
            let principal = try? authenticator().authenticate(token: token)
            sum &+= UInt64(principal?.user?.utf8.count ?? 0)
        }
        return sum
    }

    private static func signed(_ key: TestKey, _ algorithm: String) -> [UInt8] {
        let header = Array("{\"alg\":\"\(algorithm)\",\"typ\":\"JWT\"}".utf8)
        let text = Base64URL.encode(header) + "." + Base64URL.encode(claims)
        let signature = key.sign(Array(text.utf8), algorithm)
        return Array((text + "." + Base64URL.encode(signature)).utf8)
    }

    /// The public key as an authority publishes it (RFC 7517).
    private static func webKey(_ key: TestKey) -> String {
        let types = key.typeMembers.map { "\"\($0.name)\":\"\($0.value)\"" }
        let numbers = key.numbers.map { "\"\($0.key)\":\"\(Base64URL.encode($0.value))\"" }
        return "{" + (types + numbers).joined(separator: ",") + "}"
    }
}
