// TokenAlgorithm: how a token may be signed, and with which kind of key.
//
//   HS256                   a secret we share with nobody but our other services
//   RS256 RS384 RS512       RSA, PKCS #1 v1.5
//   PS256 PS384 PS512       RSA, PSS with a salt as long as the digest
//   ES256 ES384 ES512       ECDSA on P-256, P-384, P-521: each digest has its own curve
//   EdDSA                   Ed25519
//
// What is not here is refused, `none` first of all.
//
// Thread: a pure value.  Source: RFC 7518 §3.1, §3.2 to §3.5; RFC 8037 §3.1; RFC 8725 §3.1.

/// The algorithms a token may be signed with; the raw value is the name in `alg`.
public enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"

    /// The only kind of public key this algorithm verifies with; nil for the one with a secret.
    var keyKind: PublicKey.Kind? {
        switch self {
        case .hs256: nil
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: .rsa
        case .es256: .p256
        case .es384: .p384
        case .es512: .p521
        case .edDSA: .ed25519
        }
    }

    var usesPSS: Bool { self == .ps256 || self == .ps384 || self == .ps512 }
}
