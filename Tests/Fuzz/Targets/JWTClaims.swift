// JWTClaims: whatever comes as a token or as an authority's keys, nobody is let in by accident.
//
//   first byte │ the rest is
//   0          │ a token: no secret of ours has signed it
//   1          │ the claims of a token that we sign
//   2          │ the header of a token that we sign, whatever it says
//   3          │ an authority's key set
//
// Thread: any.  Allocates: decoded parts.  Source: RFC 7515 §5.2; RFC 8725 §2.

import Hub
import Loop
import Services

enum JWTClaims {
    /// Of each process another: no fuzzer can have signed with it.
    private static let secret = SystemRandom().bytes(32)
    private static let rules = TokenRules(issuer: nil, audience: nil, clockSkew: .seconds(60))

    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes[1...])
        switch first & 3 {
        case 0: try checkForged(rest)
        case 1: try checkClaims(rest)
        case 2: try checkHeader(rest)
        default: _ = try? JSONWebKeySet(parsing: rest)
        }
    }

    private static func checkForged(_ text: [UInt8]) throws(Violation) {
        guard let token = try? JSONWebToken(text) else { return }
        try require(
            (try? token.claims(signedByOneOf: [.hs256(secret)])) == nil,
            "a token that we have not signed is refused")
    }

    private static func checkClaims(_ claims: [UInt8]) throws(Violation) {
        let text = Array(JSONWebToken.sign(claims: claims, with: secret).utf8)
        // Only its length may keep it from being one.
        guard let token = try? JSONWebToken(text) else {
            return try require(text.count > JSONWebToken.byteCountMax, "what we sign is a token")
        }
        try require(
            (try? token.claims(signedByOneOf: [.hs256(secret.reversed())])) == nil,
            "another secret's token is refused")
        guard let object = try? token.claims(signedByOneOf: [.hs256(secret)]) else { return }
        let now = WallTime(microseconds: 1_800_000_000_000_000)
        guard let principal = try? TokenClaims.principal(of: object, by: rules, at: now) else {
            return
        }
        guard let expiresAt = principal.expiresAt else {
            throw Violation("whom a token names, it names for a time")
        }
        try require(
            expiresAt.advanced(by: rules.clockSkew) > now, "who is let in has time left")
        if let user = principal.user {
            try require((1...64).contains(user.unicodeScalars.count), "a name fits its column")
            try require(
                !user.unicodeScalars.contains { $0.value < 0x20 }, "a name has no control character"
            )
        }
    }

    private static func checkHeader(_ header: [UInt8]) throws(Violation) {
        let claims = Array(#"{"sub":"a","exp":4000000000}"#.utf8)
        let signed = Base64URL.encode(header) + "." + Base64URL.encode(claims)
        let signature = HMACSHA256.sign(Array(signed.utf8), key: secret)
        let text = Array((signed + "." + Base64URL.encode(signature)).utf8)
        guard let token = try? JSONWebToken(text),
            (try? token.claims(signedByOneOf: [.hs256(secret)])) != nil
        else { return }
        try require(token.algorithm == .hs256, "a secret is good for its own algorithm only")
    }
}
