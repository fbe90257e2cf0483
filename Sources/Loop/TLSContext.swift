// TLSContext: certificate, versions, ciphers and tickets of the TLS listener.
//
// Server side, TLS 1.2 and 1.3, ECDHE with AEAD only, no renegotiation, no compression, stateless
// tickets, ALPN http/1.1. Buffers are released while a connection is idle: 14.3 KB instead of 29.3
// per connection (docs/DECISIONS/0007).
//
// Thread: made once, shared by all loops.  Source: OpenSSL 3.0 SSL_CTX_* manual pages, RFC 7301.

import COpenSSL
import Synchronization

/// A certificate or key that cannot be used; the text says which file and how to mend it.
public struct TLSConfigurationError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

extension TLSConfigurationError {
    /// `what` with the reason OpenSSL has just given, and what to do about it.
    static func openSSL(_ what: String, hint: String) -> Self {
        let code = ERR_get_error()
        let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "unknown reason"
        ERR_clear_error()
        return Self(description: "\(what): \(reason); \(hint)")
    }
}

/// One immutable OpenSSL context.
public final class TLSContext: Sendable {
    /// SSL_CTX counts its references atomically and is not changed after init.
    nonisolated(unsafe) let pointer: OpaquePointer

    /// Loads a PEM certificate chain and its PEM private key.
    public init(certificateFile: String, keyFile: String) throws(TLSConfigurationError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw TLSConfigurationError(description: "OpenSSL cannot make a context")
        }
        pointer = context
        Self.configure(context)
        SSL_CTX_set_num_tickets(context, 1)
        SSL_CTX_set_alpn_select_cb(context, Self.selectProtocol, nil)

        guard SSL_CTX_use_certificate_chain_file(context, certificateFile) == 1 else {
            throw Self.failure("cannot load the certificate \(certificateFile)")
        }
        guard SSL_CTX_use_PrivateKey_file(context, keyFile, SSL_FILETYPE_PEM) == 1 else {
            throw Self.failure("cannot load the private key \(keyFile)")
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw Self.failure(
                "the private key \(keyFile) does not belong to the certificate \(certificateFile)")
        }
    }

    deinit { SSL_CTX_free(pointer) }

    /// What both sides have in common.
    static func configure(_ context: OpaquePointer) {
        copenssl_ctx_set_modes(context)
        copenssl_ctx_set_options(context)
        copenssl_ctx_disable_session_cache(context)
        let isConfigured =
            copenssl_ctx_set_versions(context) == 1
            && SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
            && copenssl_ctx_set_groups(context, "X25519:P-256:P-384") == 1
        precondition(isConfigured, "this OpenSSL lacks ECDHE, AES-GCM or X25519")
    }

    private static func failure(_ what: String) -> TLSConfigurationError {
        .openSSL(what, hint: "give a readable PEM file with --cert and --key")
    }

    /// RFC 7301 §3.2: a client that offers protocols but not ours is refused with an alert; one that
    /// offers none speaks HTTP/1.1 anyway.
    private static let selectProtocol:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
            UnsafeMutablePointer<UInt8>?, UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, selected, selectedCount, offered, offeredCount, _ in
            let wanted: StaticString = "http/1.1"
            var offset = 0
            while offset < Int(offeredCount) {
                let nameCount = Int(offered![offset])
                guard offset + 1 + nameCount <= Int(offeredCount) else { break }
                let name = offered! + offset + 1
                if nameCount == wanted.utf8CodeUnitCount,
                    (0..<nameCount).allSatisfy({ name[$0] == wanted.utf8Start[$0] })
                {
                    selected!.pointee = name
                    selectedCount!.pointee = UInt8(nameCount)
                    return SSL_TLSEXT_ERR_OK
                }
                offset += 1 + nameCount
            }
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
}

/// The context new connections get; replaced when the certificate is renewed.
public final class TLSIdentity: Sendable {
    private let certificateFile: String
    private let keyFile: String
    private let context: Mutex<TLSContext>

    public init(certificateFile: String, keyFile: String) throws(TLSConfigurationError) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        context = Mutex(
            try TLSContext(certificateFile: certificateFile, keyFile: keyFile))
    }

    public var current: TLSContext { context.withLock { $0 } }

    /// Reads both files again. Connections that exist keep their context; on an error everything
    /// stays as it was.
    public func reload() throws(TLSConfigurationError) {
        let fresh = try TLSContext(certificateFile: certificateFile, keyFile: keyFile)
        context.withLock { $0 = fresh }
    }
}
