// JSONWebToken: three parts of text that prove who somebody is.
//
//   eyJhbGciOiJFUzI1NiIsImtpZCI6Im… . eyJzdWIiOiJDVVNULTAwMDEiLCJleHAiOjE3…  . 3q2-7w…
//   {"alg":"ES256","kid":"2026-11"}   {"sub":"CUST-0001","exp":1767229200,…}    signature
//   └──────────────────────── signed, as text ─────────────────────────────┘
//
// Nothing of the payload is looked at before the signature is known to be good.
//
// Thread: a pure value.  Allocates: decoded parts.  Source: RFC 7515, RFC 7519, RFC 8725.

import Hub
import Loop

/// A key, tied to the algorithms it may be used with (RFC 8725 §3.1).
public enum TokenKey: Sendable {
    case hs256([UInt8])
    case publicKey(PublicKey)
}

/// A token whose form is right; nothing of it is proven yet.
package struct JSONWebToken {
    /// Real ones have some hundred bytes, with groups and roles a few thousand; a longer one only
    /// costs time.
    package static let byteCountMax = 8192

    package let algorithm: TokenAlgorithm
    /// Which of the authority's keys it claims to be signed with.
    let keyID: String?
    private let signed: [UInt8]
    private let payload: [UInt8]
    private let signature: [UInt8]

    package init(_ token: some Collection<UInt8>) throws(TokenError) {
        guard !token.isEmpty else { throw .missing }
        guard token.count <= Self.byteCountMax else { throw .tooLong }
        let bytes = Array(token)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2])
        else { throw .notAToken }
        signed = Array(bytes[..<parts[1].endIndex])
        self.payload = payload
        self.signature = signature

        let object = try Self.object(header)
        guard case .string(let name) = object["alg"],
            let algorithm = TokenAlgorithm(rawValue: name)
        else { throw .algorithm }
        self.algorithm = algorithm
        if object["crit"] != nil { throw .criticalExtension }
        switch object["kid"] {
        case nil: keyID = nil
        case .string(let id): keyID = id
        default: throw .malformedClaim("kid")
        }
    }

    /// The claims, if one of `keys` has signed them; their times and their audience are not checked
    /// yet.
    package func claims(
        signedByOneOf keys: [TokenKey]
    ) throws(TokenError) -> JSONValue.Object {
        guard keys.contains(where: isSigned) else { throw .signature }
        return try Self.object(payload)
    }

    private func isSigned(by key: TokenKey) -> Bool {
        switch key {
        case .hs256(let secret):
            // A public key is no secret, so an algorithm with a public key never gets here.
            algorithm == .hs256
                && HMACSHA256.areEqual(signature, HMACSHA256.sign(signed, key: secret))
        case .publicKey(let key): key.hasSigned(signed, signature, with: algorithm)
        }
    }

    private static func object(_ bytes: [UInt8]) throws(TokenError) -> JSONValue.Object {
        do throws(JSONError) {
            // Deep enough for every claim that exists.
            if case .object(let object) = try JSONValue(parsing: bytes, depthMax: 8),
                !object.hasDuplicates
            {
                return object
            }
        } catch {
            // Where it is malformed is no business of whoever sent it.
        }
        throw .malformedJSON
    }

    /// Signs `claims`, the text of a JSON object, with a secret of ours.
    package static func sign(claims: [UInt8], with secret: [UInt8]) -> String {
        let header = #"{"alg":"HS256","typ":"JWT"}"#
        let signed = Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(claims)
        return signed + "." + Base64URL.encode(HMACSHA256.sign(Array(signed.utf8), key: secret))
    }
}
