// TLSSessionStore: the last session a server has given, for the next connection to it.
//
//   handshake ─▶ NewSessionTicket ─▶ store ─▶ next handshake offers it ─▶ resumed: no certificate
//
// One session, not one per server: a context that resumes is for connections to one server. A session
// is offered again and again, by which an observer can tell that the connections belong together (RFC
// 8446 appendix C.4): this is for measuring a server, not for people's browsers.
//
// Thread: any; one lock.  Allocates: OpenSSL's session.
// Source: OpenSSL 3.0 SSL_CTX_sess_set_new_cb(3), SSL_set_session(3); RFC 8446 §2.2, §4.6.1.

import COpenSSL
import Synchronization

final class TLSSessionStore: Sendable {
    private struct Kept: @unchecked Sendable {
        /// Owned. SSL_SESSION counts its references atomically and is not changed once it is given.
        var session: OpaquePointer?
    }

    private let kept = Mutex(Kept())

    /// Makes `context` hand its sessions to this store, and hold the store.
    func install(in context: OpaquePointer) {
        copenssl_ctx_keep_client_sessions(context)
        // Sessions hold their context, and may outlive whoever made it.
        SSL_CTX_set_ex_data(context, Self.slot, Unmanaged.passRetained(self).toOpaque())
        SSL_CTX_sess_set_new_cb(context, Self.received)
    }

    deinit { kept.withLock { SSL_SESSION_free($0.session) } }

    /// Offers the kept session in the handshake of `ssl`, if there is one.
    func offer(to ssl: OpaquePointer) {
        // A copy: OpenSSL spoils a session of TLS 1.3 once it has been resumed.
        let copy = kept.withLock { kept in
            Kept(session: kept.session.flatMap { SSL_SESSION_dup($0) })
        }
        guard let session = copy.session else { return }
        _ = SSL_set_session(ssl, session)
        SSL_SESSION_free(session)
    }

    /// Where a context keeps its store, and how it lets go of it.
    private static let slot = CRYPTO_get_ex_new_index(
        CRYPTO_EX_INDEX_SSL_CTX, 0, nil, nil, nil
    ) { _, raw, _, _, _, _ in
        if let raw { Unmanaged<TLSSessionStore>.fromOpaque(raw).release() }
    }

    private static let received: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = {
        ssl, session in
        guard let ssl, let session, let context = SSL_get_SSL_CTX(ssl),
            let raw = SSL_CTX_get_ex_data(context, slot)
        else { return 0 }
        let store = Unmanaged<TLSSessionStore>.fromOpaque(raw).takeUnretainedValue()
        let old = store.kept.withLock { kept in
            let old = Kept(session: kept.session)
            kept.session = session
            return old
        }
        SSL_SESSION_free(old.session)
        // 1: the reference is ours now.
        return 1
    }
}
