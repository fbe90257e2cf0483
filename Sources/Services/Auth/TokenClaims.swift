// TokenClaims: what a verified token claims, checked against the clock and our configuration.
//
//   now - skew < exp        nbf <= now + skew        iss == issuer        audience in aud
//
// Thread: a pure value.  Source: RFC 7519 §4.1; contract of the .NET system for the subject's names.

import Loop

/// What a token must say to be good here.
public struct TokenRules: Sendable {
    /// Nil: any issuer, or none.
    public var issuer: String?
    /// Nil: any audience, or none.
    public var audience: String?
    /// How far the issuer's clock may be off.
    public var clockSkew: Duration

    public init(issuer: String?, audience: String?, clockSkew: Duration) {
        self.issuer = issuer
        self.audience = audience
        self.clockSkew = clockSkew
    }
}

package enum TokenClaims {
    static let nameIdentifier =
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
    static let name = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"

    /// Of a subject, in Unicode scalars.
    static let userCharacterCountMax = 64

    /// Where the subject may stand, in order: only an absent claim lets the next one speak.
    private static let subjectNames = ["sub", nameIdentifier, "oid"]

    package static func principal(
        of claims: JSONValue.Object, by rules: TokenRules, at now: WallTime
    ) throws(TokenError) -> Principal {
        guard let expiry = try numericDate("exp", in: claims) else { throw .neverExpires }
        let skew = rules.clockSkew.nanoseconds / 1_000_000_000
        // Seconds are clamped to ±2^53, so that none of these sums can overflow.
        guard now.seconds < expiry + skew else { throw .expired }
        if let start = try numericDate("nbf", in: claims), start > now.seconds + skew {
            throw .notYetValid
        }
        if let issuer = rules.issuer {
            guard case .string(issuer) = claims["iss"] else { throw .issuer }
        }
        if let audience = rules.audience, !isAudience(audience, claims["aud"]) { throw .audience }
        // A connection needs a moment that fits the wall clock's microseconds.
        let expiresAt = WallTime(microseconds: min(expiry, 1 << 42) * 1_000_000)
        return Principal(user: try subject(in: claims), expiresAt: expiresAt)
    }

    /// Whole seconds since the epoch; a fraction is cut. Nil if the claim is absent.
    private static func numericDate(
        _ name: String, in claims: JSONValue.Object
    ) throws(TokenError) -> Int64? {
        guard let value = claims[name] else { return nil }
        // 2^53 seconds are 285 million years, and the largest range doubles hold exactly.
        guard case .number(let text) = value, let seconds = Double(text), seconds.isFinite,
            abs(seconds) <= 0x1p53
        else { throw .malformedClaim(name) }
        return Int64(seconds)
    }

    /// RFC 7519 §4.1.3: one text, or an array of texts.
    private static func isAudience(_ audience: String, _ claim: JSONValue?) -> Bool {
        switch claim {
        case .string(let text): text == audience
        case .array(let items): items.contains(.string(audience))
        default: false
        }
    }

    private static func subject(in claims: JSONValue.Object) throws(TokenError) -> String? {
        for name in subjectNames {
            guard let value = claims[name] else { continue }
            guard case .string(let user) = value else { throw .malformedClaim(name) }
            return isUsable(user) ? user : nil
        }
        return nil
    }

    /// The database's column holds 64 characters, and a control character serves to disguise a name
    /// only.
    static func isUsable(_ user: String) -> Bool {
        (1...userCharacterCountMax).contains(user.unicodeScalars.count)
            && !user.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }
}
