// TLSClient: a blocking TLS client over a BlockingClient.

import COpenSSL
import Glibc

public final class TLSClient {
    public let socket: BlockingClient
    private let context: OpaquePointer
    private let ssl: OpaquePointer

    /// What a client offers and shows.
    public struct Options {
        /// The only version offered, e.g. `TLS1_2_VERSION`; 0 offers all.
        public var version: Int32 = 0
        /// What ALPN offers; empty offers nothing.
        public var protocols: [String] = []
        /// Nil names no server.
        public var serverName: String?
        /// What it can verify, as OpenSSL writes it: "RSA-PSS+SHA256".
        public var signatures: String?
        /// To go on with.
        public var session: Session?
        /// Shown if the server asks.
        public var identity: (certificateFile: String, keyFile: String)?
        public var wantsStaple = false
        /// Sent in front of the handshake, in one packet with it.
        public var preface: [UInt8] = []
        /// What its socket may hold unread; nil: as the machine has it.
        public var receiveBufferByteCount: Int?
        /// Refuses the server: nobody vouches for it.
        public var trustsNobody = false
        public init() {}
    }

    /// A session that can go on in another connection.
    public final class Session {
        fileprivate let pointer: OpaquePointer
        fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }
        deinit { SSL_SESSION_free(pointer) }

        /// Bytes a client may send before the handshake.
        public var earlyByteCountMax: UInt32 { SSL_SESSION_get_max_early_data(pointer) }
        public var hasTicket: Bool { SSL_SESSION_has_ticket(pointer) == 1 }
        /// What the server allows, in seconds.
        public var lifetime: UInt { SSL_SESSION_get_ticket_lifetime_hint(pointer) }
    }

    public convenience init(
        to address: String, version: Int32 = 0, protocols: [String] = [],
        receiveBufferByteCount: Int? = nil
    ) throws {
        var options = Options()
        options.receiveBufferByteCount = receiveBufferByteCount
        options.version = version
        options.protocols = protocols
        try self.init(to: address, options)
    }

    /// Handshakes at once.
    public init(to address: String, _ options: Options) throws {
        // OpenSSL writes to the descriptor itself, and without MSG_NOSIGNAL.
        signal(SIGPIPE, SIG_IGN)
        socket = try BlockingClient(
            to: address, receiveBufferByteCount: options.receiveBufferByteCount)
        if !options.preface.isEmpty { try socket.hold(options.preface) }
        context = SSL_CTX_new(TLS_client_method())
        if let identity = options.identity {
            SSL_CTX_use_certificate_chain_file(context, identity.certificateFile)
            SSL_CTX_use_PrivateKey_file(context, identity.keyFile, SSL_FILETYPE_PEM)
        }
        if options.trustsNobody { SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil) }
        ssl = SSL_new(context)
        if options.version != 0 {
            let version = Int(options.version)
            SSL_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, version, nil)
            SSL_ctrl(ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, version, nil)
        }
        let list = options.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !list.isEmpty { SSL_set_alpn_protos(ssl, list, UInt32(list.count)) }
        if let name = options.serverName { _ = copenssl_set_server_name(ssl, name) }
        if let signatures = options.signatures {
            signatures.withCString { text in
                _ = SSL_ctrl(
                    ssl, SSL_CTRL_SET_SIGALGS_LIST, 0, UnsafeMutableRawPointer(mutating: text))
            }
        }
        if let session = options.session { SSL_set_session(ssl, session.pointer) }
        if options.wantsStaple {
            SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE, Int(TLSEXT_STATUSTYPE_ocsp), nil)
        }
        SSL_set_fd(ssl, socket.descriptor)
        guard SSL_connect(ssl) == 1 else {
            ERR_clear_error()
            throw ClientError(description: "the handshake failed")
        }
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    public var version: String { String(cString: SSL_get_version(ssl)) }
    public var cipher: String { String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))) }
    public var negotiatedProtocol: String {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }
    /// SHA-256 of the server's certificate.
    public var certificateDigest: [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 32
        X509_digest(SSL_get0_peer_certificate(ssl), EVP_sha256(), &digest, &count)
        return digest
    }
    /// `EVP_PKEY_EC` or `EVP_PKEY_RSA`, of the server's certificate.
    public var certificateKeyType: Int32 {
        EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(ssl)))
    }
    /// Whether the server's certificate is for that name.
    public func isCertificate(for name: String) -> Bool {
        X509_check_host(
            SSL_get0_peer_certificate(ssl), name, 0, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT),
            nil) == 1
    }
    public var isResumed: Bool { SSL_session_reused(ssl) == 1 }
    /// With TLS 1.3 only after something has been received.
    public var session: Session {
        // A copy: OpenSSL spoils the session of a connection that ends without close_notify.
        Session(SSL_SESSION_dup(SSL_get_session(ssl)))
    }
    /// The OCSP response that came with the certificate; empty if none did.
    public var staple: [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = withUnsafeMutablePointer(to: &bytes) {
            SSL_ctrl(ssl, SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, $0)
        }
        return count > 0 ? Array(UnsafeBufferPointer(start: bytes, count: count)) : []
    }

    public func send(_ bytes: [UInt8]) throws {
        guard SSL_write(ssl, bytes, Int32(bytes.count)) == bytes.count else {
            throw ClientError(description: "SSL_write failed")
        }
    }

    public func receive(exactly count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = bytes.withUnsafeMutableBytes {
                SSL_read(ssl, $0.baseAddress! + filled, Int32(count - filled))
            }
            guard more > 0 else {
                ERR_clear_error()
                throw ClientError(description: "the stream ended at \(filled)")
            }
            filled += Int(more)
        }
        return bytes
    }

    /// Everything until close_notify; an error if the connection ends without it.
    public func receiveToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = SSL_read(ssl, &buffer, 16_384)
            if count <= 0 {
                guard SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN else {
                    ERR_clear_error()
                    throw ClientError(description: "ended without close_notify")
                }
                return bytes
            }
            bytes += buffer[..<Int(count)]
        }
    }

    public func shutdown() { SSL_shutdown(ssl) }

    /// The first bytes of a handshake, for a client that sends them as it likes.
    public static func clientHello() -> [UInt8] {
        let context = SSL_CTX_new(TLS_client_method())
        let ssl = SSL_new(context)
        let output = BIO_new(BIO_s_mem())
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), output)
        SSL_connect(ssl)
        ERR_clear_error()
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = BIO_read(output, &bytes, 4096)
        SSL_free(ssl)
        SSL_CTX_free(context)
        return Array(bytes.prefix(Int(count)))
    }
}
