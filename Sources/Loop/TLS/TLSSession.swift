// TLSSession: one SSL object, and the window through which all SSL objects of a loop see bytes.
//
//   socket ─ recv ─▶ [ciphertext in] ─▶ BIO ─▶ SSL_read ─▶ plaintext
//   socket ◀─ send ─ [ciphertext out] ◀─ BIO ◀─ SSL_write ◀─ plaintext
//
// One BIO per loop serves every session, because only one session is worked on at a time: memory
// BIOs would cost 2 KB per connection. The outgoing side always accepts, so SSL_write never asks
// for a retry; backpressure is the connection's count of unsent bytes.
//
// Thread: one loop.  Allocates: OpenSSL does, per session; the window when a flight outgrows it.
// Source: OpenSSL 3.0 BIO_meth_new(3), SSL_set0_rbio(3), SSL_get_error(3).

import COpenSSL
import Glibc

/// The bytes on their way into and out of the session at work.
struct TLSWindow {
    var incoming: UnsafeRawPointer?
    var incomingByteCount = 0
    var outgoing: UnsafeMutableRawPointer
    var outgoingByteCount = 0
    var outgoingCapacity: Int
}

/// The shared BIO of one loop with its window.
final class TLSChannel {
    let window: UnsafeMutablePointer<TLSWindow>
    fileprivate let bio: OpaquePointer

    /// Two full records with their overhead; a flight with a long certificate chain makes it grow.
    private static let outgoingByteCount = 64 * 1024

    init() {
        window = .allocate(capacity: 1)
        window.initialize(
            to: TLSWindow(
                outgoing: malloc(Self.outgoingByteCount)!,
                outgoingCapacity: Self.outgoingByteCount))
        bio = BIO_new(Self.method)!
        BIO_set_data(bio, window)
        BIO_set_init(bio, 1)
    }

    deinit {
        BIO_free(bio)
        free(window.pointee.outgoing)
        window.deallocate()
    }

    /// Immutable after its first use; BIO methods are read-only tables.
    nonisolated(unsafe) private static let method: OpaquePointer = {
        let method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "loop window")!
        BIO_meth_set_read(method) { bio, buffer, count in
            let window = BIO_get_data(bio)!.assumingMemoryBound(to: TLSWindow.self)
            copenssl_bio_clear_retry(bio)
            let taken = min(Int(count), window.pointee.incomingByteCount)
            guard taken > 0 else {
                copenssl_bio_set_retry_read(bio)
                return -1
            }
            memcpy(buffer!, window.pointee.incoming!, taken)
            window.pointee.incoming! += taken
            window.pointee.incomingByteCount -= taken
            return Int32(taken)
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            let window = BIO_get_data(bio)!.assumingMemoryBound(to: TLSWindow.self)
            let needed = window.pointee.outgoingByteCount + Int(count)
            if needed > window.pointee.outgoingCapacity {
                window.pointee.outgoing = realloc(window.pointee.outgoing, needed * 2)!
                window.pointee.outgoingCapacity = needed * 2
            }
            memcpy(window.pointee.outgoing + window.pointee.outgoingByteCount, bytes!, Int(count))
            window.pointee.outgoingByteCount = needed
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Writes land in the window at once, so a flush has nothing to do and succeeds.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return method
    }()
}

/// One SSL object. Whoever holds it must call `free` once.
struct TLSSession {
    let ssl: OpaquePointer

    /// The largest plaintext of one record (RFC 8446 §5.1).
    static let recordByteCountMax = 16 * 1024

    /// The server's side. Nil when OpenSSL is out of memory.
    init?(context: TLSContext, channel: TLSChannel) {
        self.init(context.pointer, channel)
        SSL_set_accept_state(ssl)
    }

    /// The client's side of a connection to `host`. Nil when OpenSSL is out of memory.
    init?(context: TLSClientContext, host: String, channel: TLSChannel) {
        self.init(context.pointer, channel)
        SSL_set_connect_state(ssl)
        guard context.expect(host, of: ssl) else {
            free()
            return nil
        }
        context.offerSession(to: ssl)
    }

    private init?(_ context: OpaquePointer, _ channel: TLSChannel) {
        guard let ssl = SSL_new(context) else { return nil }
        self.ssl = ssl
        BIO_up_ref(channel.bio)
        BIO_up_ref(channel.bio)
        SSL_set0_rbio(ssl, channel.bio)
        SSL_set0_wbio(ssl, channel.bio)
    }

    func free() { SSL_free(ssl) }

    /// The handshake went on from an earlier session, without a certificate.
    var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// Lets go of what only the handshake needs: OpenSSL would keep the staple as long as the session.
    func handshakeEnded() { copenssl_drop_staple(ssl) }

    /// The subject of the peer's certificate (RFC 4514), once the handshake has verified it.
    var peerSubject: String? {
        guard let certificate = SSL_get0_peer_certificate(ssl),
            SSL_get_verify_result(ssl) == X509_V_OK, let text = BIO_new(BIO_s_mem())
        else { return nil }
        defer { BIO_free(text) }
        guard copenssl_print_name(text, X509_get_subject_name(certificate)) >= 0 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = BIO_read(text, &bytes, Int32(bytes.count))
        return count > 0 ? String(decoding: bytes.prefix(Int(count)), as: UTF8.self) : nil
    }

    enum Progress: Equatable {
        /// Handshake complete, or this many bytes of plaintext.
        case done(byteCount: Int)
        /// The record is not complete yet; wait for more.
        case wantsMore
        /// The peer sent close_notify.
        case closed
        /// The peer broke the protocol, or is not who it should be; an alert may stand in the
        /// outgoing window. OpenSSL's code of the first error, 0 if it gave none.
        case failed(code: UInt)
    }

    func handshake() -> Progress {
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done(byteCount: 0) }
        return progress(after: result)
    }

    func read(into buffer: UnsafeMutableRawPointer, byteCountMax: Int) -> Progress {
        let count = SSL_read(ssl, buffer, Int32(clamping: byteCountMax))
        if count > 0 { return .done(byteCount: Int(count)) }
        return progress(after: count)
    }

    /// Encrypts `bytes` (1 byte to one record) into the outgoing window; false if the session is
    /// broken. All or nothing, as the window always accepts.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        precondition(bytes.count > 0 && bytes.count <= Self.recordByteCountMax)
        let count = SSL_write(ssl, bytes.baseAddress, Int32(bytes.count))
        if count != Int32(bytes.count) { ERR_clear_error() }
        return count == Int32(bytes.count)
    }

    /// Puts close_notify into the outgoing window.
    func shutdown() {
        // 0 means "sent, the peer's not seen yet": we do not wait for it (RFC 8446 §6.1).
        if SSL_shutdown(ssl) < 0 { ERR_clear_error() }
    }

    private func progress(after result: Int32) -> Progress {
        let error = SSL_get_error(ssl, result)
        switch error {
        case SSL_ERROR_WANT_READ: return .wantsMore
        case SSL_ERROR_ZERO_RETURN: return .closed
        default:
            let code = ERR_get_error()
            ERR_clear_error()
            return .failed(code: code)
        }
    }
}
