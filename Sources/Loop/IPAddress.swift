// IPAddress: one host, IPv4 or IPv6, as a number.
//
//   128 bits    ├──────── high 64 ────────┼──────── low 64 ─────────┤
//   IPv6        │ the address                                       │
//   IPv4        │ 0                       │ 0000 ffff │ the address │   ::ffff:10.0.0.7 (RFC 4291 §2.5.5.2)
//
// IPv4 is kept mapped, so that a client is the same one whether an IPv4 or a dual-stack listener took
// it.
//
// Thread: a pure value.  Allocates: only the text.  Source: RFC 4291; its text is RFC 5952's.

import Glibc

/// An IP address without port or zone.
public struct IPAddress: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// What IPv4 has in front of its 32 bits.
    static let mappedPrefix: UInt64 = 0x0000_FFFF_0000_0000

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(ipv4 bits: UInt32) { self.init(high: 0, low: Self.mappedPrefix | UInt64(bits)) }

    /// 4 bytes of IPv4 or 16 of IPv6, in network order. Traps at any other count.
    init(networkOrder bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 4: self.init(ipv4: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        case 16:
            self.init(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        default: preconditionFailure("an address of \(bytes.count) bytes")
        }
    }

    /// Nil unless `text` is exactly an address: no port, brackets, zone, leading zeros or shorthand
    /// of IPv4.
    public init?(_ text: borrowing Span<UInt8>) {
        // The longest is an IPv6 address that ends in IPv4 notation.
        guard (2..<Int(INET6_ADDRSTRLEN)).contains(text.count) else { return nil }
        // A NUL would end the text early for inet_pton.
        for index in text.indices where text[index] == 0 { return nil }
        let isIPv6 = Self.isWrittenAsIPv6(text)
        let address = withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) {
            memory -> IPAddress? in
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            text.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: memory[16...]).copyMemory(from: $0)
            }
            let result = inet_pton(
                isIPv6 ? AF_INET6 : AF_INET,
                UnsafeRawPointer(memory.baseAddress! + 16).assumingMemoryBound(to: CChar.self),
                memory.baseAddress)
            guard result == 1 else { return nil }
            return IPAddress(
                networkOrder: UnsafeRawBufferPointer(rebasing: memory[..<(isIPv6 ? 16 : 4)]))
        }
        guard let address else { return nil }
        self = address
    }

    public init?(_ text: some StringProtocol) { self.init(Array(text.utf8).span) }

    /// A text that is an address has a colon if it is IPv6, and none if it is IPv4.
    static func isWrittenAsIPv6(_ text: borrowing Span<UInt8>) -> Bool {
        for index in text.indices where text[index] == 0x3A { return true }
        return false
    }

    public var isIPv4: Bool { high == 0 && low >> 32 == Self.mappedPrefix >> 32 }
}

extension IPAddress: CustomStringConvertible {
    /// "10.0.0.7", "fd00::7".
    public var description: String {
        if isIPv4 {
            return "\(low >> 24 & 0xFF).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF)"
        }
        var bytes = (high.bigEndian, low.bigEndian)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) {
            String(cString: inet_ntop(AF_INET6, &bytes, $0.baseAddress!, socklen_t($0.count))!)
        }
    }
}
