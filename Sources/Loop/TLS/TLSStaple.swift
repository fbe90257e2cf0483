// TLSStaple: an OCSP response that goes out with its certificate, so that no client asks the authority.
//
// It is checked when it is loaded: successful, for one of our certificates, signed by its issuer (where
// the certificate's file has the issuer), "good", and not out of date. Whatever is wrong with it, the
// certificate is served without.
//
// Thread: a pure value.  Allocates: once, when it is loaded.
// Source: RFC 6066 §8; RFC 6960 §4.2; OpenSSL 3.0 OCSP_resp_find_status(3), OCSP_basic_verify(3).

import COpenSSL
import Glibc

struct TLSStaple: Sendable {
    let file: String
    /// Its place among the certificates it was loaded for.
    let certificate: Int
    /// DER.
    let response: [UInt8]
    /// The end of its time; clients refuse it from then on.
    let validUntil: WallTime

    /// A responder's clock may be ahead of ours.
    private static let clockSkewSeconds: Int64 = 300
    /// Usual ones have half a kilobyte, two with the responder's certificate.
    private static let byteCountMax = 16 * 1024

    init(
        file path: String, for certificates: [TLSCertificate], at now: WallTime
    ) throws(TLSConfigurationError) {
        ERR_clear_error()
        let subject = "the OCSP response \(path)"
        let content = try TLSFile(path, "the OCSP response", hint: "it is not stapled")
            .readAll(byteCountMax: Self.byteCountMax)
        func refused(_ why: String) -> TLSConfigurationError {
            ERR_clear_error()
            return TLSConfigurationError(description: "\(subject) is not stapled: \(why)")
        }
        guard let content, let response = Self.parse(content) else {
            throw refused("it is no DER of RFC 6960")
        }
        defer { OCSP_RESPONSE_free(response) }
        guard OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = OCSP_response_get1_basic(response)
        else { throw refused("the responder answered with an error") }
        defer { OCSP_BASICRESP_free(basic) }
        guard let (position, single) = Self.find(certificates, in: basic) else {
            throw refused("it is for none of the certificates of --cert")
        }
        if let issuer = certificates[position].issuer {
            guard Self.isSigned(basic, by: issuer, certificates[position].chain) else {
                throw refused("the certificate's issuer has not signed it")
            }
        }
        var nextUpdate: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var thisUpdate: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        let status = OCSP_single_get0_status(single, nil, nil, &thisUpdate, &nextUpdate)
        guard status == V_OCSP_CERTSTATUS_GOOD else {
            let word = status == V_OCSP_CERTSTATUS_REVOKED ? "revoked" : "unknown to its authority"
            throw refused("the certificate \(certificates[position].files.certificate) is \(word)")
        }
        // Without a next update newer information is always there (RFC 6960 §4.2.2.1).
        validUntil = nextUpdate.map { WallTime($0) } ?? WallTime(microseconds: .max)
        guard WallTime(thisUpdate).seconds <= now.seconds + Self.clockSkewSeconds else {
            throw refused("it is from the future")
        }
        guard now < validUntil else { throw refused("it has expired; fetch a new one") }
        file = path
        certificate = position
        self.response = content
    }

    private static func parse(_ bytes: [UInt8]) -> OpaquePointer? {
        bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_OCSP_RESPONSE(nil, &start, bytes.count)
        }
    }

    /// The first certificate that one of the answers is about.
    private static func find(
        _ certificates: [TLSCertificate], in basic: OpaquePointer
    ) -> (position: Int, single: OpaquePointer)? {
        for number in 0..<OCSP_resp_count(basic) {
            guard let single = OCSP_resp_get0(basic, number),
                let id = OCSP_SINGLERESP_get0_id(single),
                let position = certificates.firstIndex(where: { isAbout($0.leaf, id) })
            else { continue }
            return (position, single)
        }
        return nil
    }

    /// The same serial number, of an issuer of the same name.
    private static func isAbout(_ leaf: OpaquePointer, _ id: OpaquePointer) -> Bool {
        var nameHash: UnsafeMutablePointer<ASN1_OCTET_STRING>?
        var algorithm: OpaquePointer?
        var serial: UnsafeMutablePointer<ASN1_INTEGER>?
        guard OCSP_id_get0_info(&nameHash, &algorithm, nil, &serial, id) == 1,
            ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0,
            let digest = EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(algorithm)))
        else { return false }
        var expected = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_NAME_digest(X509_get_issuer_name(leaf), digest, &expected, &count) == 1 else {
            return false
        }
        let actual = UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(nameHash), count: Int(ASN1_STRING_length(nameHash)))
        return actual.elementsEqual(expected.prefix(Int(count)))
    }

    private static func isSigned(
        _ basic: OpaquePointer, by issuer: OpaquePointer, _ chain: OpaquePointer
    ) -> Bool {
        guard let store = X509_STORE_new() else { return false }
        defer { X509_STORE_free(store) }
        // The issuer is trusted here whether or not it is a root: our certificate hangs on it.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        return X509_STORE_add_cert(store, issuer) == 1
            && OCSP_basic_verify(basic, chain, store, 0) == 1
    }
}
