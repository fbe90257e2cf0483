// TokenError: every way a token, or what stands for one, can be wrong. The client is told only that it is (401).
//
// Thread: a pure value.  Source: RFC 7519 §7.2, RFC 7515 §5.2.

public enum TokenError: Error, Equatable, Sendable {
    /// No token where one is needed.
    case missing
    /// More than `JSONWebToken.byteCountMax`.
    case tooLong
    /// Not three parts of base64url.
    case notAToken
    /// The header or the payload is no JSON object, or names a member twice.
    case malformedJSON
    /// `alg` is missing, `none`, or not on the allow-list.
    case algorithm
    /// The header has `crit`: it demands an extension we do not know.
    case criticalExtension
    case signature
    /// `kid` names a key the authority has not published, as far as we know.
    case unknownKey
    /// The authority's keys have not come yet.
    case noKeys
    /// The claim is there with a type or range it cannot have.
    case malformedClaim(String)
    /// `exp` is missing.
    case neverExpires
    case expired
    case notYetValid
    case issuer
    case audience
    /// The ingress names more than one user, or one that no row could hold.
    case identityHeader
    /// The ingress names a user, and a page of somebody else has sent the request.
    case foreignOrigin

    /// For the log; says nothing of the token's content.
    public var reason: String { String(describing: self) }
}
