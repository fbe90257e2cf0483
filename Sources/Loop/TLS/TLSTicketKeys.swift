// TLSTicketKeys: seals and opens session tickets for the handshakes of all loops.
//
//   ticket   │ key name 16 │ IV 16 │ AES-256-CBC of the session … │ HMAC-SHA-256 32 │
//
// OpenSSL lays the ticket out and moves the bytes; here it is told with which keys.
//
// Thread: any; one lock per handshake.  Allocates: never in a handshake.
// Source: RFC 5077 §4; OpenSSL 3.0 SSL_CTX_set_tlsext_ticket_key_evp_cb(3).

import COpenSSL
import Synchronization

final class TLSTicketKeys: Sendable {
    private let time: any TimeSource
    private let schedule: Mutex<TLSTicketSchedule>

    init(_ settings: TLSSettings, time: any TimeSource) throws(TLSConfigurationError) {
        self.time = time
        schedule = Mutex(try Self.schedule(settings))
    }

    /// Reads files of keys again; keys from elsewhere stay what they are.
    func reload(_ settings: TLSSettings) throws(TLSConfigurationError) {
        guard case .files = settings.ticketSource else { return }
        let fresh = try Self.schedule(settings)
        schedule.withLock { $0 = fresh }
    }

    private static func schedule(
        _ settings: TLSSettings
    ) throws(TLSConfigurationError) -> TLSTicketSchedule {
        let source: TLSTicketSchedule.Source
        switch settings.ticketSource {
        case .random: source = .random
        case .secret(let secret): source = .secret(secret)
        case .files(let paths):
            var keys: [TLSTicketKey] = []
            for path in paths { keys += try read(path) }
            source = .fixed(keys)
        }
        return TLSTicketSchedule(source, period: settings.ticketLifetime)
    }

    /// Keys of one file; more than 16 are no rotation any more.
    private static func read(_ path: String) throws(TLSConfigurationError) -> [TLSTicketKey] {
        let hint = "make one with `openssl rand -out FILE \(TLSTicketKey.byteCount)`"
        let file = try TLSFile(path, "the ticket keys", hint: hint)
        guard let bytes = file.readAll(byteCountMax: 16 * TLSTicketKey.byteCount), !bytes.isEmpty,
            bytes.count % TLSTicketKey.byteCount == 0
        else {
            throw TLSConfigurationError(
                description: "the ticket keys \(path) are not 1 to 16 times "
                    + "\(TLSTicketKey.byteCount) bytes; \(hint)")
        }
        return stride(from: 0, to: bytes.count, by: TLSTicketKey.byteCount).map { start in
            TLSTicketKey(Array(bytes[start..<(start + TLSTicketKey.byteCount)]))
        }
    }

    private var keys: [TLSTicketKey] { schedule.withLock { $0.keys(at: time.wallNow) } }

    // MARK: In a handshake

    /// Prepares the sealing of a ticket; OpenSSL's 1 for a ticket, -1 for an error.
    func seal(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>,
        _ cipher: OpaquePointer?, _ mac: OpaquePointer?
    ) -> Int32 {
        guard let key = keys.first, RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 else { return -1 }
        for (offset, byte) in key.name.enumerated() { name[offset] = byte }
        let isReady =
            key.cipherKey.withUnsafeBufferPointer {
                EVP_EncryptInit_ex(cipher, Self.algorithm, nil, $0.baseAddress, iv)
            } == 1
        return isReady && start(mac, key) ? 1 : -1
    }

    /// Prepares the opening of a ticket; OpenSSL's 0 for a key nobody knows (a full handshake follows),
    /// 1 for an open ticket, 2 for one to be replaced by a new one.
    func open(
        _ name: UnsafePointer<UInt8>, _ iv: UnsafePointer<UInt8>, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?, isSingleUse: Bool
    ) -> Int32 {
        let keys = keys
        let wanted = UnsafeBufferPointer(start: name, count: TLSTicketKey.nameByteCount)
        guard let position = keys.firstIndex(where: { $0.name.elementsEqual(wanted) }) else {
            return 0
        }
        let isReady =
            keys[position].cipherKey.withUnsafeBufferPointer {
                EVP_DecryptInit_ex(cipher, Self.algorithm, nil, $0.baseAddress, iv)
            } == 1
        guard isReady, start(mac, keys[position]) else { return -1 }
        return isSingleUse || position > 0 ? 2 : 1
    }

    private func start(_ mac: OpaquePointer?, _ key: TLSTicketKey) -> Bool {
        key.macKey.withUnsafeBufferPointer {
            copenssl_start_hmac(mac, $0.baseAddress, $0.count)
        } == 1
    }

    /// Fetched once: an implicit fetch per handshake would take a lock of OpenSSL's. Immutable.
    nonisolated(unsafe) private static let algorithm = EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)
}
