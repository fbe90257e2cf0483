// TLSDirectory: what OpenSSL asks in a handshake: whose certificate, which ticket key, what staple.
//
//   SSL ─▶ SSL_CTX of the default ──(owns)──▶ TLSDirectory ──(owns)──▶ contexts of the other names
//    │            ▲                               ▲                             │
//    └─(after the server name)─▶ another SSL_CTX ─┴─────────(borrows)───────────┘
//
// A session keeps the context it began with, even when the server name has moved it to another one, and
// so keeps the directory; after a reload old sessions go on with what they have.
//
// Thread: immutable but for the keys, which lock.  Allocates: the looked-up name.
// Source: OpenSSL 3.0 SSL_CTX_set_tlsext_servername_callback(3), SSL_CTX_set_tlsext_status_cb(3).

import COpenSSL

final class TLSDirectory: Sendable {
    let certificates: [TLSCertificate]
    let staples: [TLSStaple]
    /// What is wrong with staples that were left out.
    let stapleProblems: [String]
    private let contexts: TLSNameTable<TLSContext?>
    private let tickets: TLSTicketKeys
    private let time: any TimeSource

    /// Loads everything that `settings` names.
    ///
    /// - Returns: the context that handshakes begin with; it owns the directory.
    static func load(
        _ settings: TLSSettings, tickets: TLSTicketKeys, time: any TimeSource
    ) throws(TLSConfigurationError) -> (context: TLSContext, directory: TLSDirectory) {
        precondition(!settings.certificates.isEmpty)
        var certificates: [TLSCertificate] = []
        for files in settings.certificates { certificates.append(try TLSCertificate(files)) }
        let sets = TLSCertificateSets(certificates.map { ($0.names, $0.keyType) })
        let context = try TLSContext(sets.initial.map { certificates[$0] }, settings)
        var others: [[Int]: TLSContext] = [:]
        var table = TLSNameTable<TLSContext?>()
        for (name, set) in sets.byName {
            if set != sets.initial, others[set] == nil {
                others[set] = try TLSContext(set.map { certificates[$0] }, settings)
            }
            table.insert(name, others[set])
        }
        let directory = TLSDirectory(
            certificates, settings.stapleFiles, table, tickets: tickets, time: time)
        directory.serve(context)
        // Sessions hold their context, and may outlive whoever made it.
        SSL_CTX_set_ex_data(
            context.pointer, keeper, Unmanaged.passRetained(directory).toOpaque())
        for other in others.values { directory.serve(other) }
        return (context, directory)
    }

    private init(
        _ certificates: [TLSCertificate], _ stapleFiles: [String],
        _ contexts: TLSNameTable<TLSContext?>, tickets: TLSTicketKeys, time: any TimeSource
    ) {
        self.certificates = certificates
        self.contexts = contexts
        self.tickets = tickets
        self.time = time
        var staples: [TLSStaple] = []
        var problems: [String] = []
        for file in stapleFiles {
            do throws(TLSConfigurationError) {
                staples.append(try TLSStaple(file: file, for: certificates, at: time.wallNow))
            } catch {
                problems.append(error.description)
            }
        }
        self.staples = staples
        stapleProblems = problems
    }

    /// What an operator should hear now: certificates and staples at the end of their time.
    var warnings: [String] {
        let now = time.wallNow
        return certificates.compactMap { $0.warning(at: now) } + stapleProblems
            + staples.filter { now >= $0.validUntil }.map {
                "the OCSP response \($0.file) is not stapled any more: it has expired"
            }
    }

    // MARK: Callbacks

    private func serve(_ context: TLSContext) {
        SSL_CTX_set_ex_data(context.pointer, Self.slot, Unmanaged.passUnretained(self).toOpaque())
        if certificates.count > 1 {
            // OpenSSL keeps a name that was looked at as long as its session: 32 bytes.
            copenssl_ctx_set_server_name_callback(context.pointer, Self.selectContext)
        }
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context.pointer, Self.prepareTicket)
        if !staples.isEmpty { copenssl_ctx_set_status_callback(context.pointer, Self.staple) }
    }

    /// Where contexts find the directory, and where the first one keeps it alive.
    private static let slot = CRYPTO_get_ex_new_index(
        CRYPTO_EX_INDEX_SSL_CTX, 0, nil, nil, nil, nil)
    private static let keeper = CRYPTO_get_ex_new_index(
        CRYPTO_EX_INDEX_SSL_CTX, 0, nil, nil, nil
    ) { _, raw, _, _, _, _ in
        if let raw { Unmanaged<TLSDirectory>.fromOpaque(raw).release() }
    }

    private static func of(_ ssl: OpaquePointer?) -> TLSDirectory? {
        guard let context = SSL_get_SSL_CTX(ssl), let raw = SSL_CTX_get_ex_data(context, slot)
        else { return nil }
        return Unmanaged<TLSDirectory>.fromOpaque(raw).takeUnretainedValue()
    }

    /// A name nobody knows is served as if there were none: RFC 6066 §3 allows it, and a client that
    /// minds will see that the certificate is not for that name.
    private static let selectContext:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?
        ) -> Int32 = { ssl, _, _ in
            guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
                let known = of(ssl)?.contexts.value(of: String(cString: name))
            else { return SSL_TLSEXT_ERR_NOACK }
            if let other = known, SSL_set_SSL_CTX(ssl, other.pointer) == nil {
                return SSL_TLSEXT_ERR_ALERT_FATAL
            }
            return SSL_TLSEXT_ERR_OK
        }

    private static let prepareTicket:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?,
            OpaquePointer?, OpaquePointer?, Int32
        ) -> Int32 = { ssl, name, iv, cipher, mac, isSealing in
            guard let tickets = of(ssl)?.tickets, let name, let iv else { return 0 }
            if isSealing == 1 { return tickets.seal(name, iv, cipher, mac) }
            // A ticket of TLS 1.3 that was used twice would tell that both connections are one
            // client's (RFC 8446 appendix C.4): each resumption hands out the next one.
            let isSingleUse = SSL_version(ssl) == TLS1_3_VERSION
            return tickets.open(name, iv, cipher, mac, isSingleUse: isSingleUse)
        }

    /// The client asks for a staple, and OpenSSL has chosen the certificate.
    private static let staple: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 =
        { ssl, _ in
            guard let directory = of(ssl), let leaf = SSL_get_certificate(ssl),
                let position = directory.certificates.firstIndex(where: { $0.leaf == leaf }),
                let staple = directory.staples.first(where: { $0.certificate == position }),
                directory.time.wallNow < staple.validUntil,
                copenssl_staple(ssl, staple.response, staple.response.count) == 1
            else { return SSL_TLSEXT_ERR_NOACK }
            return SSL_TLSEXT_ERR_OK
        }
}
