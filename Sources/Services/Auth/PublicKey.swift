// PublicKey: a key somebody else signs with, and whether a signature is theirs.
//
//   JWK numbers ─▶ SubjectPublicKeyInfo (DER) ─▶ d2i_PUBKEY ─▶ EVP_PKEY ─▶ EVP_DigestVerify
//
// A key knows its kind, and an algorithm wants one kind: a token cannot choose how its signature is
// checked beyond that.
//
// Thread: immutable, any thread at once.  Allocates: in init; OpenSSL's context per check.
// Source: RFC 5280 §4.1, RFC 3279 §2.3.1, RFC 5480 §2, RFC 8410 §4 (the forms of a public key);
// RFC 7518 §3.3 to §3.5, RFC 8037 §3.1 (signatures); OpenSSL EVP_DigestVerify(3).

import COpenSSL

/// Why numbers make no key that is good enough.
enum PublicKeyError: Error, Equatable {
    /// RSA below `PublicKey.modulusBits`, or above: the one is broken, the other costs too much.
    case modulusSize
    /// RSA with an exponent that is even, below 3, or longer than 64 bits.
    case exponent
    /// Coordinates of another length than the curve's, or of no point on it.
    case notOnCurve
    case malformed
}

/// `@unchecked`: OpenSSL's key is never changed after `init`, and only read by its verification.
public final class PublicKey: @unchecked Sendable {
    enum Kind: Equatable, Sendable { case rsa, p256, p384, p521, ed25519 }

    /// RFC 7518 §3.3 wants at least 2048. Checking costs the square of the size, so nobody's key may
    /// be of any size.
    static let modulusBits = 2048...8192

    let kind: Kind
    private let key: OpaquePointer

    /// An RSA key from its two numbers, most significant byte first.
    convenience init(modulus: [UInt8], exponent: [UInt8]) throws(PublicKeyError) {
        let digits = modulus.drop { $0 == 0 }
        let bits = digits.count * 8 - (digits.first?.leadingZeroBitCount ?? 0)
        guard Self.modulusBits.contains(bits) else { throw .modulusSize }
        let power = exponent.drop { $0 == 0 }
        guard power.count <= 8, let last = power.last, last & 1 == 1, power.count > 1 || last >= 3
        else { throw .exponent }
        let numbers = DER.sequence(DER.integer(digits), DER.integer(power))
        try self.init(.rsa, DER.sequence(Self.rsaEncryption, DER.bitString(numbers)))
    }

    /// A key on a NIST curve, from the coordinates of its point; each has the curve's full length
    /// (RFC 7518 §6.2.1.2).
    convenience init(curve kind: Kind, x: [UInt8], y: [UInt8]) throws(PublicKeyError) {
        guard let identifier = Self.curves[kind], let byteCount = kind.coordinateByteCount else {
            throw .malformed
        }
        guard x.count == byteCount, y.count == byteCount else { throw .notOnCurve }
        let point = DER.bitString([0x04] + x + y)
        do throws(PublicKeyError) {
            try self.init(kind, DER.sequence(DER.sequence(Self.ecPublicKey, identifier), point))
        } catch {
            throw .notOnCurve
        }
    }

    convenience init(ed25519 point: [UInt8]) throws(PublicKeyError) {
        guard point.count == 32 else { throw .malformed }
        try self.init(.ed25519, DER.sequence(Self.ed25519, DER.bitString(point)))
    }

    private init(_ kind: Kind, _ subjectPublicKeyInfo: [UInt8]) throws(PublicKeyError) {
        let key = subjectPublicKeyInfo.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return d2i_PUBKEY(nil, &cursor, bytes.count)
        }
        guard let key else {
            ERR_clear_error()
            throw .malformed
        }
        self.kind = kind
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// Whether `signature` is this key's for exactly `text`. False, too, for an algorithm of another
    /// kind of key.
    func hasSigned(_ text: [UInt8], _ signature: [UInt8], with algorithm: TokenAlgorithm) -> Bool {
        guard algorithm.keyKind == kind, let encoded = encode(signature),
            let context = EVP_MD_CTX_new()
        else { return false }
        defer {
            EVP_MD_CTX_free(context)
            // A failed check leaves its reasons in the thread's queue, where TLS would find them.
            ERR_clear_error()
        }
        var keyContext: OpaquePointer?
        guard EVP_DigestVerifyInit(context, &keyContext, algorithm.digest, nil, key) == 1 else {
            return false
        }
        if algorithm.usesPSS {
            guard EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) == 1,
                EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST) == 1
            else { return false }
        }
        return EVP_DigestVerify(context, encoded, encoded.count, text, text.count) == 1
    }

    /// JOSE puts the two numbers of an ECDSA signature side by side (RFC 7518 §3.4), OpenSSL wants a
    /// sequence of them; the others are the same. Nil for a length no signature of this key has.
    private func encode(_ signature: [UInt8]) -> [UInt8]? {
        guard let byteCount = kind.coordinateByteCount else { return signature }
        guard signature.count == 2 * byteCount else { return nil }
        return DER.sequence(
            DER.integer(signature[..<byteCount]), DER.integer(signature[byteCount...]))
    }

    // MARK: Object identifiers, as DER

    /// 1.2.840.113549.1.1.1 with NULL parameters.
    private static let rsaEncryption: [UInt8] = DER.sequence(
        [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00])
    /// 1.2.840.10045.2.1
    private static let ecPublicKey: [UInt8] = [
        0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
    ]
    /// 1.2.840.10045.3.1.7, 1.3.132.0.34 and 1.3.132.0.35
    private static let curves: [Kind: [UInt8]] = [
        .p256: [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
        .p384: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22],
        .p521: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23],
    ]
    /// 1.3.101.112
    private static let ed25519: [UInt8] = DER.sequence([0x06, 0x03, 0x2B, 0x65, 0x70])
}

extension PublicKey.Kind {
    /// Bytes of one coordinate, and of half a signature; nil for a key on no NIST curve.
    fileprivate var coordinateByteCount: Int? {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        case .rsa, .ed25519: nil
        }
    }
}

extension TokenAlgorithm {
    /// Nil for EdDSA, which digests by itself.
    fileprivate var digest: OpaquePointer? {
        switch self {
        case .hs256, .rs256, .ps256, .es256: EVP_sha256()
        case .rs384, .ps384, .es384: EVP_sha384()
        case .rs512, .ps512, .es512: EVP_sha512()
        case .edDSA: nil
        }
    }
}
