// TestKey: a private key for tests: it signs tokens and publishes itself as a JWK.

import COpenSSL

public final class TestKey: @unchecked Sendable {
    public enum Kind: Sendable { case rsa(bits: Int32), p256, p384, p521, ed25519 }

    /// Made once: an RSA key takes a while.
    public static let rsa = TestKey(.rsa(bits: 2048))

    private let kind: Kind
    private let key: OpaquePointer

    public init(_ kind: Kind) {
        self.kind = kind
        let context = EVP_PKEY_CTX_new_from_name(nil, kind.name, nil)
        defer { EVP_PKEY_CTX_free(context) }
        precondition(EVP_PKEY_keygen_init(context) == 1)
        if case .rsa(let bits) = kind {
            precondition(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1)
        }
        if let curve = kind.curve {
            precondition(EVP_PKEY_CTX_set_group_name(context, curve.group) == 1)
        }
        var made: OpaquePointer?
        precondition(EVP_PKEY_generate(context, &made) == 1)
        key = made!
    }

    deinit { EVP_PKEY_free(key) }

    /// `kty` and `crv` of its JWK.
    public var typeMembers: [(name: String, value: String)] {
        switch kind {
        case .rsa: [("kty", "RSA")]
        case .p256, .p384, .p521: [("kty", "EC"), ("crv", kind.curve!.group)]
        case .ed25519: [("kty", "OKP"), ("crv", "Ed25519")]
        }
    }

    /// The numbers of the public key by their names in a JWK, most significant byte first.
    public var numbers: [String: [UInt8]] {
        switch kind {
        case .rsa: return ["n": number("n"), "e": number("e")]
        case .p256, .p384, .p521:
            let size = kind.curve!.byteCount
            return ["x": number("qx", size: size), "y": number("qy", size: size)]
        case .ed25519:
            var count = 32
            var bytes = [UInt8](repeating: 0, count: count)
            precondition(EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1)
            return ["x": bytes]
        }
    }

    private func number(_ name: String, size: Int? = nil) -> [UInt8] {
        var value: OpaquePointer?
        precondition(EVP_PKEY_get_bn_param(key, name, &value) == 1)
        defer { BN_free(value) }
        let size = size ?? (Int(BN_num_bits(value)) + 7) / 8
        var bytes = [UInt8](repeating: 0, count: size)
        BN_bn2binpad(value, &bytes, Int32(size))
        return bytes
    }

    /// The signature as a token carries it.
    ///
    /// - Parameter algorithm: as in `alg`; decides the digest and the padding.
    public func sign(_ text: [UInt8], _ algorithm: String) -> [UInt8] {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var keyContext: OpaquePointer?
        let digest =
            switch algorithm.suffix(3) {
            case "256": EVP_sha256()
            case "384": EVP_sha384()
            case "512": EVP_sha512()
            default: OpaquePointer?.none
            }
        precondition(EVP_DigestSignInit(context, &keyContext, digest, nil, key) == 1)
        if algorithm.hasPrefix("PS") {
            EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING)
            EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST)
        }
        var count = 0
        precondition(EVP_DigestSign(context, nil, &count, text, text.count) == 1)
        var signature = [UInt8](repeating: 0, count: count)
        precondition(EVP_DigestSign(context, &signature, &count, text, text.count) == 1)
        let exact = Array(signature.prefix(count))
        guard let size = kind.curve?.byteCount else { return exact }
        return Self.halves(of: exact, size: size)
    }

    private static func halves(of der: [UInt8], size: Int) -> [UInt8] {
        der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            let pair = d2i_ECDSA_SIG(nil, &cursor, bytes.count)
            defer { ECDSA_SIG_free(pair) }
            var halves = [UInt8](repeating: 0, count: 2 * size)
            BN_bn2binpad(ECDSA_SIG_get0_r(pair), &halves, Int32(size))
            halves.withUnsafeMutableBufferPointer { whole in
                _ = BN_bn2binpad(
                    ECDSA_SIG_get0_s(pair), whole.baseAddress! + size, Int32(size))
            }
            return halves
        }
    }
}

extension TestKey.Kind {
    fileprivate var name: String {
        switch self {
        case .rsa: "RSA"
        case .p256, .p384, .p521: "EC"
        case .ed25519: "ED25519"
        }
    }

    fileprivate var curve: (group: String, byteCount: Int)? {
        switch self {
        case .p256: ("P-256", 32)
        case .p384: ("P-384", 48)
        case .p521: ("P-521", 66)
        case .rsa, .ed25519: nil
        }
    }
}
