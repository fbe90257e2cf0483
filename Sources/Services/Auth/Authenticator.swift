// Authenticator: from the text a request carries to the one it speaks for.
//
//   Authorization: Bearer <token>      API and hub
//   ?access_token=<token>              hub paths only; wins over the header when present
//
//   token ─▶ verified before? ─▶ form ─▶ algorithm allowed? ─▶ key of its kind ─▶ signature
//                │ yes                                          secret │ KeyRing      ▼
//                └─────────────────────────────────────────────────────▶ principal ◀─ claims
//
// The token itself never leaves this file: not into errors, not into logs.
//
// Thread: any.  Allocates: per token.  Source: RFC 6750 §2.1; RFC 8725 §3; SignalR's query token.

import Loop

public struct Authenticator: Sendable {
    /// Keys tried for one token, which may name none: each costs a signature check.
    static let candidateCountMax = 8

    private let algorithms: Set<TokenAlgorithm>
    /// Of HS256; nil where such tokens are not accepted.
    private let secret: [UInt8]?
    /// What a token signed with the secret must say.
    private let rules: TokenRules
    /// Nil without an authority.
    private let ring: KeyRing?
    /// Nil: the word of an ingress does not count.
    let identityHeader: IdentityHeader?
    private let verified = VerifiedTokens()
    private let time: any TimeSource

    /// - Parameter ring: holds the keys of the settings' authority; nil if they name none.
    public init(
        _ settings: IdentitySettings, ring: KeyRing?, time: any TimeSource = SystemTime()
    ) {
        precondition((settings.authority == nil) == (ring == nil))
        algorithms = settings.algorithms
        secret = settings.acceptsSecret ? settings.signingKey : nil
        rules = TokenRules(
            issuer: settings.issuer, audience: settings.audience, clockSkew: settings.clockSkew)
        self.ring = ring
        identityHeader = settings.identityHeader
        self.time = time
    }

    /// Verifies a bare token.
    public func authenticate(token: some Collection<UInt8>) throws(TokenError) -> Principal {
        let now = time.wallNow
        let bytes = Array(token)
        let keys = ring?.keys
        // The first keys of a ring are version 1.
        let version = keys?.version ?? 0
        let digest = VerifiedTokens.Digest(bytes)
        if let principal = verified.find(digest, version: version, at: now) { return principal }

        let token = try JSONWebToken(bytes)
        guard algorithms.contains(token.algorithm) else { throw .algorithm }
        let principal =
            token.algorithm == .hs256
            ? try principal(signedBySecret: token, at: now)
            : try principal(signedByAuthority: token, keys, at: now)
        if let end = principal.expiresAt {
            verified.remember(
                principal, until: end.advanced(by: rules.clockSkew), digest, version: version)
        }
        return principal
    }

    private func principal(
        signedBySecret token: JSONWebToken, at now: WallTime
    ) throws(TokenError) -> Principal {
        guard let secret else { throw .algorithm }
        let claims = try token.claims(signedByOneOf: [.hs256(secret)])
        return try TokenClaims.principal(of: claims, by: rules, at: now)
    }

    private func principal(
        signedByAuthority token: JSONWebToken, _ keys: TrustedKeys?, at now: WallTime
    ) throws(TokenError) -> Principal {
        guard let ring else { throw .algorithm }
        guard let keys else { throw .noKeys }
        // The configuration check wants one: the authority signs for others too.
        if rules.audience == nil { throw .audience }
        var rules = rules
        rules.issuer = keys.issuer
        let claims = try Self.claims(of: token, keys, ring)
        return try TokenClaims.principal(of: claims, by: rules, at: now)
    }

    /// The claims, if one of the authority's keys has signed them.
    private static func claims(
        of token: JSONWebToken, _ keys: TrustedKeys, _ ring: KeyRing
    ) throws(TokenError) -> JSONValue.Object {
        let candidates = keys.set.keys(for: token.algorithm, id: token.keyID)
        if candidates.isEmpty {
            ring.wantRefresh()
            throw .unknownKey
        }
        return try token.claims(
            signedByOneOf: candidates.prefix(candidateCountMax).map(TokenKey.publicKey))
    }

    /// Verifies what a request carries.
    ///
    /// - Parameters:
    ///   - authorization: the value of the header, nil without one.
    ///   - queryToken: the decoded `access_token` of a hub path's query; nil elsewhere.
    public func authenticate(
        authorization: String?, queryToken: String? = nil
    ) throws(TokenError) -> Principal {
        if let queryToken { return try authenticate(token: queryToken.utf8) }
        guard let authorization, let token = Self.bearerToken(authorization) else { throw .missing }
        return try authenticate(token: token.utf8)
    }

    /// RFC 9110 §11.4: the scheme is case-insensitive, then one or more blanks.
    static func bearerToken(_ authorization: String) -> Substring? {
        let scheme = "bearer "
        guard authorization.utf8.count > scheme.utf8.count,
            authorization.prefix(scheme.count).lowercased() == scheme
        else { return nil }
        let token = authorization.dropFirst(scheme.count).drop { $0 == " " }
        return token.isEmpty ? nil : token
    }
}
