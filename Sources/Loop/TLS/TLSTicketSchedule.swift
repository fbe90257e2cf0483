// TLSTicketSchedule: which keys seal and open session tickets at a time.
//
//   period      41          42 (now)       43
//   seals                   ██████
//   opens     ██████        ██████       ██████      derived: pods' clocks may differ
//   opens     ██████        ██████                   random
//
// A period is as long as a ticket lives, so that every live ticket was sealed in this period or the last.
// Derived keys are HKDF of a shared secret and the period's number: pods that never spoke to each other
// change keys together (docs/DECISIONS/0024).
//
// Thread: a pure value.  Allocates: new keys once per period.
// Source: RFC 5077 §4, §5.5; RFC 5869; RFC 8446 §4.6.1.

import COpenSSL

/// One key of tickets: a name that travels in the clear, a MAC key, a cipher key.
struct TLSTicketKey: Equatable, Sendable {
    static let nameByteCount = 16
    /// Name, 32 bytes for HMAC-SHA-256, 32 for AES-256.
    static let byteCount = 80

    private let bytes: [UInt8]
    var name: ArraySlice<UInt8> { bytes[..<16] }
    var macKey: ArraySlice<UInt8> { bytes[16..<48] }
    var cipherKey: ArraySlice<UInt8> { bytes[48...] }

    init(_ bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount)
        self.bytes = bytes
    }

    static func random() -> TLSTicketKey {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        precondition(RAND_bytes(&bytes, Int32(byteCount)) == 1, "OpenSSL has no randomness")
        return TLSTicketKey(bytes)
    }

    static func derived(from secret: [UInt8], period: Int64) -> TLSTicketKey {
        let info = Array("contoso tls ticket key \(period)".utf8)
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let isDerived = copenssl_hkdf(
            secret, secret.count, info, info.count, &bytes, byteCount)
        precondition(isDerived == 1, "OpenSSL lacks HKDF")
        return TLSTicketKey(bytes)
    }
}

struct TLSTicketSchedule: Sendable {
    enum Source: Equatable, Sendable {
        case random
        case secret([UInt8])
        /// At least one; they change only when they are replaced.
        case fixed([TLSTicketKey])
    }

    private let source: Source
    private let periodSeconds: Int64
    private var period: Int64?
    private var keys: [TLSTicketKey] = []

    init(_ source: Source, period: Duration) {
        precondition(period >= .seconds(1))
        self.source = source
        periodSeconds = period.components.seconds
    }

    /// All that open; the first one seals.
    mutating func keys(at now: WallTime) -> [TLSTicketKey] {
        let period = now.seconds.floorDivided(by: periodSeconds)
        if period != self.period { enter(period) }
        return keys
    }

    private mutating func enter(_ period: Int64) {
        let isNext = self.period == period - 1
        self.period = period
        switch source {
        case .random: keys = [.random()] + (isNext ? keys.prefix(1) : [])
        case .secret(let secret):
            keys = [period, period - 1, period + 1].map { .derived(from: secret, period: $0) }
        case .fixed(let given): keys = given
        }
    }
}
