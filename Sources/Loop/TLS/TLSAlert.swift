// TLSAlert: the last word of a peer that ends TLS because of us.
//
// A TLS 1.3 server looks at a client's certificate when the client takes the handshake for finished:
// its refusal comes as an alert in the place of the first answer.
//
// Thread: a pure value.  Source: RFC 8446 §6; OpenSSL 3.0 sslerr.h.

import COpenSSL

/// The fatal alerts of RFC 8446 §6.2, and those TLS 1.2 has beside them. An enum, because a connection
/// has one byte for the reason of its end.
public enum TLSAlert: UInt8, Sendable, CustomStringConvertible {
    case unexpectedMessage = 10
    case badRecordMAC = 20
    case recordOverflow = 22
    case handshakeFailure = 40
    case badCertificate = 42
    case unsupportedCertificate = 43
    case certificateRevoked = 44
    case certificateExpired = 45
    case certificateUnknown = 46
    case illegalParameter = 47
    case unknownAuthority = 48
    case accessDenied = 49
    case decodeError = 50
    case decryptError = 51
    case protocolVersion = 70
    case insufficientSecurity = 71
    case internalError = 80
    case inappropriateFallback = 86
    case missingExtension = 109
    case unsupportedExtension = 110
    case unrecognizedName = 112
    case badStatusResponse = 113
    case unknownPSKIdentity = 115
    case certificateRequired = 116
    case noApplicationProtocol = 120

    /// Nil if the code is no alert's.
    ///
    /// - Parameter code: OpenSSL's.
    init?(code: UInt) {
        guard copenssl_is_of_ssl(code) == 1,
            let number = UInt8(exactly: Int(copenssl_reason(code)) - Int(SSL_AD_REASON_OFFSET))
        else { return nil }
        self.init(rawValue: number)
    }

    /// `certificate required (116)`
    public var description: String {
        let text = copenssl_alert_text(rawValue).map { String(cString: $0) }
        let name = text.flatMap { text in
            // "tlsv13 alert certificate required", "sslv3 alert bad certificate"
            text.firstRange(of: "alert ").map { String(text[$0.upperBound...]) }
        }
        return "\(name ?? "unknown") (\(rawValue))"
    }
}
