// IdentitySettings: whose tokens are good, as the operator has said it.
//
//   authority set ──▶ tokens signed by its published keys (OpenID Connect)
//   otherwise ──────▶ tokens signed with the shared secret (HS256)
//   both ───────────▶ in development only
//
// Thread: a pure value.  Source: contract of the .NET system (Jwt:*, DevJwt:*); RFC 8725 §3.

import Loop
import WS

public struct IdentitySettings: Sendable {
    /// `https://login.example/tenant`; its metadata is at `/.well-known/openid-configuration`.
    public var authority: HTTPURL?
    /// PEM of the authorities its certificate may come from; nil trusts the system's.
    public var authorityCertificates: String?
    /// What a token may be signed with. Which of them count is a matter of the keys, too: none of
    /// the asymmetric ones without an authority, not HS256 with one.
    public var algorithms = Set(TokenAlgorithm.allCases)
    /// The secret of HS256; nil or empty without one.
    public var signingKey: [UInt8]?
    /// With an authority: what its metadata must say it is; nil takes what it says. Without one:
    /// what a token must say; nil takes any.
    public var issuer: String?
    /// What a token must be meant for. Must be set with an authority, which signs for others too.
    public var audience: String?
    /// How far the issuer's clock may be off.
    public var clockSkew: Duration = .seconds(30)
    /// Plain http to the authority is fine, and the secret counts beside it.
    public var isDevelopment = false
    /// What counts where a request has no token.
    public var identityHeader: IdentityHeader?
    public var refresh = KeyRefreshTimes()

    public init() {}

    public init(_ configuration: Configuration) {
        authority = configuration.authority
        authorityCertificates = configuration.authorityCertificates
        algorithms = configuration.tokenAlgorithms
        signingKey = configuration.signingKey.isEmpty ? nil : Array(configuration.signingKey.utf8)
        issuer = configuration.tokenIssuer
        audience = configuration.tokenAudience
        clockSkew = configuration.clockSkew
        isDevelopment = configuration.isDevelopment
        identityHeader = configuration.identityHeader.map {
            IdentityHeader(name: $0, allowedOrigins: configuration.corsOrigins)
        }
    }

    /// Whether a token signed with the secret can be good.
    var acceptsSecret: Bool { signingKey != nil && (authority == nil || isDevelopment) }

    /// One thing that contradicts another: the setting's name, and what is wrong with it.
    public struct Problem: Equatable, Sendable {
        public let setting: String
        public let text: String
    }

    /// What must be mended before tokens can be checked.
    public var problems: [Problem] {
        var problems: [Problem] = []
        func add(_ setting: String, _ text: String) {
            problems.append(Problem(setting: setting, text: text))
        }
        let isSecretAllowed = algorithms.contains(.hs256)
        if let authority {
            if !authority.origin.isEncrypted, !isDevelopment {
                add("jwt.authority", "is not https; whoever is on the way could sign tokens")
            }
            if audience == nil {
                add("jwt.audience", "is not set; an authority signs for others too, so name it")
            }
            if algorithms.isSubset(of: [.hs256]) {
                add("jwt.algorithms", "has none an authority signs with, such as RS256")
            }
        } else if !isSecretAllowed {
            add("jwt.algorithms", "lacks HS256, and without jwt.authority there is no other")
        }
        return problems
    }
}
