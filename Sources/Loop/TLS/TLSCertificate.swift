// TLSCertificate: one certificate of the listener with its chain and its private key.
//
// Both files are read once and checked against each other, so that a pair of which only one half has
// been written yet is refused as a whole.
//
// Thread: immutable; OpenSSL counts its references atomically.  Allocates: once, when it is loaded.
// Source: OpenSSL 3.0 PEM_read_bio_X509(3), X509_check_private_key(3); RFC 5280 §4.2.1.6.

import COpenSSL
import Glibc

final class TLSCertificate: Sendable {
    let files: TLSSettings.CertificateFiles
    nonisolated(unsafe) let leaf: OpaquePointer
    nonisolated(unsafe) let key: OpaquePointer
    /// STACK_OF(X509): the intermediates, in the order of the file.
    nonisolated(unsafe) let chain: OpaquePointer
    /// The dNSNames it is for; a common name counts for nothing (RFC 6125 §6.4.4).
    let names: [String]
    /// RSA, EC, Ed25519 …: clients choose among several of one name by what they can verify.
    let keyType: Int32
    let validFrom: WallTime
    let validUntil: WallTime

    init(_ files: TLSSettings.CertificateFiles) throws(TLSConfigurationError) {
        self.files = files
        let certificates = try Self.readCertificates(files.certificate)
        chain = certificates.chain
        leaf = certificates.leaf
        do {
            key = try Self.readKey(files.key)
        } catch {
            Self.free(leaf, chain)
            throw error
        }
        keyType = EVP_PKEY_get_base_id(key)
        names = Self.dnsNames(of: leaf)
        validFrom = WallTime(X509_get0_notBefore(leaf))
        validUntil = WallTime(X509_get0_notAfter(leaf))
        guard X509_check_private_key(leaf, key) == 1 else {
            ERR_clear_error()
            throw TLSConfigurationError(
                description: "the private key \(files.key) does not belong to the certificate "
                    + "\(files.certificate); give the pair with --cert and --key, in the same order"
            )
        }
    }

    deinit {
        Self.free(leaf, chain)
        EVP_PKEY_free(key)
    }

    /// The certificate's own part of the chain that signs it; nil if the file does not have it.
    var issuer: OpaquePointer? {
        guard OPENSSL_sk_num(chain) > 0, let raw = OPENSSL_sk_value(chain, 0) else { return nil }
        return OpaquePointer(raw)
    }

    /// What an operator should hear about its dates; nil when it is good for more than two weeks.
    func warning(at now: WallTime) -> String? {
        let dayCount = (validUntil.seconds - now.seconds).floorDivided(by: 86_400)
        let subject = "the certificate \(files.certificate)"
        if now < validFrom { return "\(subject) is not valid yet; clients refuse it" }
        if dayCount < 0 { return "\(subject) has expired \(-dayCount) d ago; renew it" }
        return dayCount < 14 ? "\(subject) expires in \(dayCount) d; renew it" : nil
    }

    // MARK: Reading

    private static func readCertificates(
        _ path: String
    ) throws(TLSConfigurationError) -> (leaf: OpaquePointer, chain: OpaquePointer) {
        let hint = "give a readable PEM file with --cert"
        ERR_clear_error()
        let file = try TLSFile(path, "the certificate", hint: hint)
        guard let leaf = PEM_read_bio_X509_AUX(file.bio, nil, noPassword, nil) else {
            throw .openSSL("cannot load the certificate \(path)", hint: hint)
        }
        guard let chain = OPENSSL_sk_new_null() else { preconditionFailure("out of memory") }
        while let next = PEM_read_bio_X509(file.bio, nil, noPassword, nil) {
            OPENSSL_sk_push(chain, UnsafeRawPointer(next))
        }
        // The end of the file is no error; anything else in it is.
        let isAtEnd = copenssl_is_end_of_pem(ERR_peek_last_error()) == 1
        guard isAtEnd else {
            free(leaf, chain)
            throw .openSSL("cannot load the intermediates in \(path)", hint: hint)
        }
        ERR_clear_error()
        return (leaf, chain)
    }

    private static func readKey(_ path: String) throws(TLSConfigurationError) -> OpaquePointer {
        let hint = "give a readable PEM file without a password with --key"
        let file = try TLSFile(path, "the private key", hint: hint)
        guard let key = PEM_read_bio_PrivateKey(file.bio, nil, noPassword, nil) else {
            throw .openSSL("cannot load the private key \(path)", hint: hint)
        }
        return key
    }

    /// Without it OpenSSL would ask at the terminal and wait.
    private static let noPassword:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, _, _, _ in -1 }

    private static func dnsNames(of leaf: OpaquePointer) -> [String] {
        guard let raw = X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil) else {
            ERR_clear_error()
            return []
        }
        let stack = OpaquePointer(raw)
        defer { GENERAL_NAMES_free(stack) }
        return (0..<OPENSSL_sk_num(stack)).compactMap { position in
            let name = OPENSSL_sk_value(stack, position)!.assumingMemoryBound(to: GENERAL_NAME.self)
            var kind: Int32 = 0
            guard let value = GENERAL_NAME_get0_value(name, &kind), kind == GEN_DNS else {
                return nil
            }
            let text = value.assumingMemoryBound(to: ASN1_STRING.self)
            let bytes = UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func free(_ leaf: OpaquePointer, _ chain: OpaquePointer) {
        X509_free(leaf)
        OPENSSL_sk_pop_free(chain) { X509_free(OpaquePointer($0)) }
    }
}

extension WallTime {
    /// A time of a certificate or an OCSP response; one that cannot be read is long ago.
    init(_ time: UnsafePointer<ASN1_TIME>?) {
        var fields = tm()
        let isRead = ASN1_TIME_to_tm(time, &fields) == 1
        self.init(microseconds: isRead ? Int64(timegm(&fields)) * 1_000_000 : 0)
    }
}
