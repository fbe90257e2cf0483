// DevTokens: tokens for anyone who asks; development only, and for `contoso token`.
//
// Thread: any; immutable.  Allocates: the token.
// Source: the .NET system's POST /dev/token: sub, nameidentifier and name are all the user; nbf and
// exp; iss and aud where configured; no iat, no jti.

import Hub
import Loop

public struct DevTokens: Sendable {
    /// What the .NET system puts into its tokens when nobody says otherwise.
    static let issuerDefault = "contoso-order-notification-dev"
    static let audienceDefault = "contoso-spa-dev"

    public struct Issued: Equatable, Sendable {
        public let token: String
        public let expiresAt: WallTime
    }

    private let key: [UInt8]
    private let issuer: String
    private let audience: String
    private let lifetime: Duration
    private let time: any TimeSource

    public init(_ configuration: Configuration, time: any TimeSource = SystemTime()) {
        key = Array(configuration.signingKey.utf8)
        issuer = configuration.tokenIssuer ?? Self.issuerDefault
        audience = configuration.tokenAudience ?? Self.audienceDefault
        lifetime = configuration.devTokenLifetime
        self.time = time
    }

    /// A token that is good from now on.
    ///
    /// - Parameter lifetime: nil for the configured one.
    public func issue(for user: String, lifetime: Duration? = nil) -> Issued {
        let start = time.wallNow.seconds
        let end = start + (lifetime ?? self.lifetime).milliseconds / 1000
        var claims = JSONWriter(reservingCapacity: 512)
        claims.beginObject()
        for name in ["sub", TokenClaims.nameIdentifier, TokenClaims.name] {
            claims.key(name)
            claims.string(user)
        }
        claims.key("nbf")
        claims.integer(start)
        claims.key("exp")
        claims.integer(end)
        claims.key("iss")
        claims.string(issuer)
        claims.key("aud")
        claims.string(audience)
        claims.endObject()
        return Issued(
            token: JSONWebToken.sign(claims: claims.bytes, with: key),
            expiresAt: WallTime(microseconds: end * 1_000_000))
    }
}
