// TLSClient: a blocking TLS client over a BlockingClient.

import COpenSSL

public final class TLSClient {
    public let socket: BlockingClient
    private let context: OpaquePointer
    private let ssl: OpaquePointer

    /// Handshakes at once.
    ///
    /// - Parameters:
    ///   - version: the only version offered, e.g. `TLS1_2_VERSION`; 0 offers all.
    ///   - protocols: what ALPN offers; empty offers nothing.
    ///   - preface: sent in front of the handshake, in one packet with it.
    public init(
        to address: String, version: Int32 = 0, protocols: [String] = [], preface: [UInt8] = []
    ) throws {
        socket = try BlockingClient(to: address)
        if !preface.isEmpty { try socket.hold(preface) }
        context = SSL_CTX_new(TLS_client_method())
        ssl = SSL_new(context)
        if version != 0 {
            SSL_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
            SSL_ctrl(ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        }
        let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !list.isEmpty { SSL_set_alpn_protos(ssl, list, UInt32(list.count)) }
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
        let certificate = SSL_get1_peer_certificate(ssl)
        X509_digest(certificate, EVP_sha256(), &digest, &count)
        X509_free(certificate)
        return digest
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
            guard more > 0 else { throw ClientError(description: "the stream ended at \(filled)") }
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
                    throw ClientError(description: "ended without close_notify")
                }
                return bytes
            }
            bytes += buffer[..<Int(count)]
        }
    }

    public func shutdown() { SSL_shutdown(ssl) }
}
