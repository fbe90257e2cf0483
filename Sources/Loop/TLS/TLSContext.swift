// TLSContext: the certificates of one set of names, with the versions, ciphers and tickets of all.
//
// Server side, TLS 1.2 and 1.3, ECDHE with AEAD only, no renegotiation, no compression, no 0-RTT, ALPN
// http/1.1. Tickets are stateless and go on with a new key exchange; connections that show a client
// certificate get none, as each has to prove it anew. Our order of ciphers counts, but a client that
// puts ChaCha20 first has no AES in hardware and gets it. Buffers are released while a connection is
// idle: 14.3 KB instead of 29.3 per connection (docs/DECISIONS/0007).
//
// Thread: made once, shared by all loops.  Source: OpenSSL 3.0 SSL_CTX_* manual pages, RFC 7301.

import COpenSSL

/// One immutable OpenSSL context.
public final class TLSContext: Sendable {
    /// SSL_CTX counts its references atomically and is not changed once it serves.
    nonisolated(unsafe) let pointer: OpaquePointer

    /// - Parameter certificates: each of another type; clients choose by what they can verify.
    init(
        _ certificates: [TLSCertificate], _ settings: TLSSettings
    ) throws(TLSConfigurationError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw TLSConfigurationError(description: "OpenSSL cannot make a context")
        }
        pointer = context
        Self.configure(context)
        SSL_CTX_set_alpn_select_cb(context, Self.selectProtocol, nil)
        for certificate in certificates {
            guard
                SSL_CTX_use_cert_and_key(
                    context, certificate.leaf, certificate.key, certificate.chain, 1) == 1
            else {
                throw .openSSL(
                    "cannot use the certificate \(certificate.files.certificate)",
                    hint: "give one with a key of at least 2048 bits (RSA) or 224 (EC)")
            }
        }
        try authenticateClients(settings.clientAuthentication)
        if settings.clientAuthentication == .off {
            SSL_CTX_set_num_tickets(context, 1)
            SSL_CTX_set_timeout(context, Int(settings.ticketLifetime.components.seconds))
        } else {
            copenssl_ctx_disable_tickets(context)
        }
    }

    deinit { SSL_CTX_free(pointer) }

    private func authenticateClients(
        _ authentication: TLSSettings.ClientAuthentication
    ) throws(TLSConfigurationError) {
        let authorityFile: String
        var mode = SSL_VERIFY_PEER
        switch authentication {
        case .off: return
        case .optional(let file): authorityFile = file
        case .required(let file):
            authorityFile = file
            mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        }
        let hint = "give a readable PEM file of certificates with --tls-client-ca"
        guard SSL_CTX_load_verify_file(pointer, authorityFile) == 1,
            let names = SSL_load_client_CA_file(authorityFile)
        else { throw .openSSL("cannot load the authorities \(authorityFile)", hint: hint) }
        SSL_CTX_set_client_CA_list(pointer, names)
        SSL_CTX_set_verify(pointer, mode, nil)
    }

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
