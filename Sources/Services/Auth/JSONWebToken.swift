// JSONWebToken: three parts of text that prove who somebody is.
//
//   eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 . eyJzdWIiOiJDVVNULTAwMDEiLCJleHAiOjE3…  . 3q2-7w…
//   {"alg":"HS256","typ":"JWT"}            {"sub":"CUST-0001","exp":1767229200,…}    HMAC-SHA256
//   └──────────────────────── signed, as text ──────────────────────────────────┘
//
// Nothing of the payload is looked at before the signature is known to be ours.
//
// Thread: a pure value.  Allocates: decoded parts.  Source: RFC 7515, RFC 7519, RFC 8725.

import Hub
import Loop

/// The algorithms a token may be signed with. What is not here is refused, `none` first of all.
public enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
}

/// A key, tied to the one algorithm it may be used with (RFC 8725 §3.1).
public enum TokenKey: Sendable {
    case hs256([UInt8])

    var algorithm: TokenAlgorithm {
        switch self {
        case .hs256: .hs256
        }
    }
}

/// A token whose signature is verified; its times and its audience are not checked yet.
struct JSONWebToken {
    /// Real ones have some hundred bytes; a longer one only costs time.
    static let byteCountMax = 8192

    let claims: JSONValue.Object

    /// Splits, verifies the signature, then reads the claims.
    init(verifying token: some Collection<UInt8>, with key: TokenKey) throws(TokenError) {
        guard !token.isEmpty else { throw .missing }
        guard token.count <= Self.byteCountMax else { throw .tooLong }
        let parts = Array(token).split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let headerBytes = Base64URL.decode(parts[0]),
            let payloadBytes = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .notAToken }

        try Self.checkHeader(try Self.object(headerBytes), against: key)
        let signed = Array(parts[0]) + [UInt8(ascii: ".")] + parts[1]
        guard Self.isSigned(signed, signature, by: key) else { throw .signature }
        claims = try Self.object(payloadBytes)
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

    private static func checkHeader(
        _ header: JSONValue.Object, against key: TokenKey
    ) throws(TokenError) {
        guard case .string(let name) = header["alg"],
            TokenAlgorithm(rawValue: name) == key.algorithm
        else { throw .algorithm }
        if header["crit"] != nil { throw .criticalExtension }
    }

    private static func isSigned(_ text: [UInt8], _ signature: [UInt8], by key: TokenKey) -> Bool {
        switch key {
        case .hs256(let secret):
            HMACSHA256.areEqual(signature, HMACSHA256.sign(text, key: secret))
        }
    }

    /// Signs `claims`, the text of a JSON object.
    static func sign(claims: [UInt8], with key: TokenKey) -> String {
        let header = "{\"alg\":\"\(key.algorithm.rawValue)\",\"typ\":\"JWT\"}"
        let signed =
            Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(claims)
        switch key {
        case .hs256(let secret):
            return signed + "." + Base64URL.encode(HMACSHA256.sign(Array(signed.utf8), key: secret))
        }
    }
}
