// TLSHandshakeFailure: why a handshake came to nothing, as it is counted.
//
// Thread: a pure value.  Source: OpenSSL 3.0 sslerr.h; RFC 8446 §6.2.

import COpenSSL

public enum TLSHandshakeFailure: String, CaseIterable, Sendable {
    case timedOut = "timeout"
    /// The peer went away.
    case closed
    /// The first bytes are no TLS.
    case notTLS = "not_tls"
    case version
    /// No cipher, group or signature that both know.
    case parameters
    case applicationProtocol = "alpn"
    /// The peer's certificate is missing, or nobody vouches for it.
    case certificate
    /// The peer told us that it does not like us.
    case alert
    /// Anything else: a message that is broken, or not due.
    case malformed

    /// - Parameter code: OpenSSL's.
    init(code: UInt) {
        guard copenssl_is_of_ssl(code) == 1 else {
            self = .malformed
            return
        }
        let reason = copenssl_reason(code)
        switch reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_WRONG_VERSION_NUMBER:
            self = .notTLS
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_INAPPROPRIATE_FALLBACK,
            SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_UNKNOWN_PROTOCOL:
            self = .version
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS,
            SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
            SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            self = .parameters
        case SSL_R_NO_APPLICATION_PROTOCOL: self = .applicationProtocol
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_CERTIFICATE_VERIFY_FAILED:
            self = .certificate
        case SSL_AD_REASON_OFFSET...: self = .alert
        default: self = .malformed
        }
    }
}
