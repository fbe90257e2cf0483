// Authenticator: from the text a request carries to the one it speaks for.
//
//   Authorization: Bearer <token>      API and hub
//   ?access_token=<token>              hub paths only; wins over the header when present
//
// The token itself never leaves this file: not into errors, not into logs.
//
// Thread: any; immutable.  Allocates: per token.  Source: RFC 6750 §2.1; SignalR's query token.

import Loop

public struct Authenticator: Sendable {
    private let key: TokenKey
    private let rules: TokenRules
    private let time: any TimeSource

    public init(key: TokenKey, rules: TokenRules, time: any TimeSource = SystemTime()) {
        self.key = key
        self.rules = rules
        self.time = time
    }

    /// With the key and the rules the configuration has checked.
    public init(_ configuration: Configuration, time: any TimeSource = SystemTime()) {
        self.init(
            key: .hs256(Array(configuration.signingKey.utf8)),
            rules: TokenRules(
                issuer: configuration.tokenIssuer, audience: configuration.tokenAudience,
                clockSkew: configuration.clockSkew),
            time: time)
    }

    /// Verifies a bare token.
    public func authenticate(token: some Collection<UInt8>) throws(TokenError) -> Principal {
        let token = try JSONWebToken(verifying: token, with: key)
        return try TokenClaims.principal(of: token.claims, by: rules, at: time.wallNow)
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
