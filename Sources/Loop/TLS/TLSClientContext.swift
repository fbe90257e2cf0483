// TLSClientContext: whom an outbound TLS connection trusts, and who it says it is.
//
// TLS 1.2 and 1.3, ECDHE with AEAD only, no renegotiation, no compression, no ALPN; sessions are kept
// only where `resumesSessions` asks for it.
//
// Thread: immutable; shared by all loops.  Allocates: OpenSSL's context, once.
// Source: OpenSSL 3.0 SSL_CTX_set_verify(3), SSL_set1_host(3).

import COpenSSL

public final class TLSClientContext: Sendable {
    public enum Verification: Equatable, Sendable {
        /// Chain and host name: the only one that keeps a stranger out.
        case full
        /// Chain only (PostgreSQL's verify-ca).
        case chain
        /// Encrypts, trusts anybody.
        case none
    }

    public struct Settings: Sendable {
        public var verification = Verification.full
        /// PEM; nil trusts the system's authorities, SSL_CERT_FILE and SSL_CERT_DIR honoured.
        public var authorityFile: String?
        /// PEM, both or none: the client's own certificate.
        public var certificateFile: String?
        public var keyFile: String?
        /// Keeps the last session a server gave and offers it in the next handshake. For a context
        /// that serves connections to one server.
        public var resumesSessions = false
        public init() {}
    }

    /// SSL_CTX counts its references atomically and is not changed after init.
    nonisolated(unsafe) let pointer: OpaquePointer
    private let verification: Verification
    /// Nil: every handshake is a full one.
    private let sessions: TLSSessionStore?

    public init(_ settings: Settings = Settings()) throws(TLSConfigurationError) {
        ERR_clear_error()
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw TLSConfigurationError(description: "OpenSSL cannot make a context")
        }
        pointer = context
        verification = settings.verification
        TLSContext.configure(context)
        sessions = settings.resumesSessions ? TLSSessionStore() : nil
        sessions?.install(in: context)
        try loadAuthorities(settings.authorityFile)
        switch (settings.certificateFile, settings.keyFile) {
        case (nil, nil): break
        case (let certificateFile?, let keyFile?): try loadIdentity(certificateFile, keyFile)
        case (let certificateFile?, nil):
            throw TLSConfigurationError(
                description: "the client certificate \(certificateFile) has no private key; "
                    + "give its key file as well")
        case (nil, let keyFile?):
            throw TLSConfigurationError(
                description: "the private key \(keyFile) has no client certificate; "
                    + "give its certificate file as well")
        }
    }

    deinit { SSL_CTX_free(pointer) }

    private func loadAuthorities(_ file: String?) throws(TLSConfigurationError) {
        guard verification != .none else {
            SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
            return
        }
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        if let file {
            guard SSL_CTX_load_verify_file(pointer, file) == 1 else {
                throw .openSSL(
                    "cannot load the authorities \(file)",
                    hint: "give a readable PEM file of certificates")
            }
        } else if SSL_CTX_set_default_verify_paths(pointer) != 1 {
            throw .openSSL(
                "cannot load the system's authorities",
                hint: "give a file of authorities, or mend SSL_CERT_FILE and SSL_CERT_DIR")
        }
    }

    private func loadIdentity(
        _ certificateFile: String, _ keyFile: String
    ) throws(TLSConfigurationError) {
        let hint = "give a readable PEM file"
        guard SSL_CTX_use_certificate_chain_file(pointer, certificateFile) == 1 else {
            throw .openSSL("cannot load the client certificate \(certificateFile)", hint: hint)
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, keyFile, SSL_FILETYPE_PEM) == 1 else {
            throw .openSSL("cannot load the private key \(keyFile)", hint: hint)
        }
    }

    /// Tells a session who has to answer: the name goes out with the first message (never an
    /// address, RFC 6066 §3), and the certificate is checked against it with `.full`.
    ///
    /// - Returns: false when OpenSSL is out of memory or the name cannot be one.
    func expect(_ host: String, of ssl: OpaquePointer) -> Bool {
        let parameters = SSL_get0_param(ssl)
        // The root's dot is no part of a certificate's name.
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if SocketAddress(numeric: name, port: 0) != nil {
            return verification != .full
                || X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1
        }
        guard copenssl_set_server_name(ssl, name) == 1 else { return false }
        guard verification == .full else { return true }
        X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1
    }
}

extension TLSClientContext {
    /// Lets the handshake of `ssl` go on from an earlier session, if one is kept.
    func offerSession(to ssl: OpaquePointer) { sessions?.offer(to: ssl) }
}

extension TLSSession {
    /// Why a handshake failed, for an operator.
    func failureText(code: UInt) -> String {
        let verdict = SSL_get_verify_result(ssl)
        if verdict != X509_V_OK {
            let reason = X509_verify_cert_error_string(verdict).map { String(cString: $0) }
            return "the certificate is not accepted: \(reason ?? "error \(verdict)")"
        }
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "the handshake failed"
    }
}
