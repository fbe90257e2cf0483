// ProxyHeader: the words a proxy puts in front of a connection to say whose it is.
//
//   version 1   PROXY TCP4 203.0.113.7 10.0.0.1 51234 443␍␊             at most 107 bytes
//
//   version 2  ┌───────────────┬─────────┬────────┬────────┬───────────┬──────────────┐
//              │ signature, 12 │ 2 │ cmd │ family │ length │ addresses │ TLVs …       │
//              └───────────────┴─────────┴────────┴────────┴───────────┴──────────────┘
//               0D0A0D0A000D0A515549540A                    └──────── length ─────────┘
//
// What follows is the client's, TLS or HTTP. The two signatures begin with different bytes, and with
// bytes that no TLS record begins with.
//
// Thread: a pure value.  Allocates: never.
// Source: "The PROXY protocol, versions 1 & 2" (HAProxy), §2.1, §2.2; RFC 3720 §12.1 (CRC-32C).

/// One whole header.
public struct ProxyHeader: Equatable, Sendable {
    /// Nil where the proxy speaks for itself (a health check) or does not know: then the connection
    /// is the proxy's own.
    public let client: PeerAddress?
    /// Bytes the header takes.
    public let byteCount: Int

    /// Of version 2 with all its TLVs; the specification asks for 536 at least.
    public static let byteCountMax = 4096
    /// Of version 1, its CR LF included.
    static let textByteCountMax = 107

    public enum ParseResult: Equatable, Sendable {
        case complete(ProxyHeader)
        /// All is well so far, and more bytes are needed.
        case incomplete
        case violation(ProxyHeaderViolation)
    }

    /// Reads the header at the front of `bytes`.
    ///
    /// - Parameter bytes: what has been received, from the first byte of the connection on.
    public static func parse(_ bytes: borrowing Span<UInt8>) -> ParseResult {
        guard !bytes.isEmpty else { return .incomplete }
        let isText = bytes[0] == textSignature[0]
        let signature: [UInt8] = isText ? textSignature : binarySignature
        for index in 0..<min(bytes.count, signature.count) where bytes[index] != signature[index] {
            return .violation(.missing)
        }
        guard bytes.count >= signature.count else { return .incomplete }
        do throws(ProxyHeaderViolation) {
            let header = try isText ? parseText(bytes) : parseBinary(bytes)
            return header.map(ParseResult.complete) ?? .incomplete
        } catch {
            return .violation(error)
        }
    }

    private static let textSignature = Array("PROXY ".utf8)
    private static let binarySignature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
}

/// How a peer failed to say whose its connection is. The raw value is the stable name in counters.
public enum ProxyHeaderViolation: String, Error, Hashable, Sendable, CaseIterable {
    /// The peer stands in no network whose headers count.
    case untrusted
    /// The connection begins with something else.
    case missing
    /// A version, a command or a family that does not exist.
    case unsupported
    case malformed
    case tooLong
    /// CRC-32C is there and does not fit.
    case checksum
    /// The peer closed in the middle of it.
    case truncated
    case timedOut
}

// MARK: Version 1

extension ProxyHeader {
    /// Nil: incomplete.
    private static func parseText(
        _ bytes: borrowing Span<UInt8>
    ) throws(ProxyHeaderViolation) -> ProxyHeader? {
        var end = textSignature.count
        while end < bytes.count, bytes[end] != 0x0D {
            // Before the protocol is known, anything else than ASCII text is refused at once.
            guard (0x20...0x7E).contains(bytes[end]) else { throw .malformed }
            end += 1
            if end + 2 > textByteCountMax { throw .tooLong }
        }
        guard end + 1 < bytes.count else { return nil }
        guard bytes[end + 1] == 0x0A else { throw .malformed }

        var fields = TextFields(start: textSignature.count, end: end)
        let family = fields.next(in: bytes)
        // Of UNKNOWN the rest of the line has no meaning.
        if isEqual(bytes, family, "UNKNOWN") {
            return ProxyHeader(client: nil, byteCount: end + 2)
        }
        let isIPv6 = isEqual(bytes, family, "TCP6")
        guard isIPv6 || isEqual(bytes, family, "TCP4") else { throw .unsupported }
        let client = try address(fields.next(in: bytes), isIPv6, bytes)
        _ = try address(fields.next(in: bytes), isIPv6, bytes)
        let port = try port(fields.next(in: bytes), bytes)
        _ = try self.port(fields.next(in: bytes), bytes)
        guard fields.isAtEnd else { throw .malformed }
        return ProxyHeader(
            client: PeerAddress(ip: client, port: port), byteCount: end + 2)
    }

    /// Fields with exactly one blank between them.
    private struct TextFields {
        private var start: Int
        private let end: Int

        init(start: Int, end: Int) {
            self.start = start
            self.end = end
        }

        /// The last field has been read, and no blank stood behind it.
        var isAtEnd: Bool { start > end }

        /// Empty where two blanks meet, or nothing is left.
        mutating func next(in bytes: borrowing Span<UInt8>) -> Range<Int> {
            guard start <= end else { return end..<end }
            var stop = start
            while stop < end, bytes[stop] != 0x20 { stop += 1 }
            defer { start = stop + 1 }
            return start..<stop
        }
    }

    private static func isEqual(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, _ text: StaticString
    ) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for (offset, index) in range.enumerated() where bytes[index] != text.utf8Start[offset] {
            return false
        }
        return true
    }

    private static func address(
        _ range: Range<Int>, _ isIPv6: Bool, _ bytes: borrowing Span<UInt8>
    ) throws(ProxyHeaderViolation) -> IPAddress {
        let text = bytes.extracting(range)
        guard let address = IPAddress(text), IPAddress.isWrittenAsIPv6(text) == isIPv6 else {
            throw .malformed
        }
        return address
    }

    /// Zeros in front are refused: octal to some, decimal to others.
    private static func port(
        _ range: Range<Int>, _ bytes: borrowing Span<UInt8>
    ) throws(ProxyHeaderViolation) -> UInt16 {
        guard (1...5).contains(range.count) else { throw .malformed }
        guard bytes[range.lowerBound] != 0x30 || range.count == 1 else { throw .malformed }
        var port = 0
        for index in range {
            guard (0x30...0x39).contains(bytes[index]) else { throw .malformed }
            port = port * 10 + Int(bytes[index] - 0x30)
        }
        guard let port = UInt16(exactly: port) else { throw .malformed }
        return port
    }
}

// MARK: Version 2

extension ProxyHeader {
    private static let fixedByteCount = 16
    private static let checksumType: UInt8 = 0x03
    private static let checksumByteCount = 4

    /// Nil: incomplete.
    private static func parseBinary(
        _ bytes: borrowing Span<UInt8>
    ) throws(ProxyHeaderViolation) -> ProxyHeader? {
        guard bytes.count > 12 else { return nil }
        guard bytes[12] == 0x20 || bytes[12] == 0x21 else { throw .unsupported }
        guard bytes.count > 13 else { return nil }
        let family = bytes[13]
        let isLocal = bytes[12] == 0x20
        guard isLocal || (family >> 4 <= 3 && family & 0x0F <= 2) else { throw .unsupported }
        guard bytes.count >= fixedByteCount else { return nil }
        let end = fixedByteCount + Int(bytes[14]) << 8 + Int(bytes[15])
        guard end <= byteCountMax else { throw .tooLong }
        let addressByteCount = byteCount(ofAddresses: family)
        guard isLocal || end >= fixedByteCount + addressByteCount else { throw .malformed }
        guard bytes.count >= end else { return nil }

        // LOCAL: the block is to be skipped, whatever it says.
        if isLocal { return ProxyHeader(client: nil, byteCount: end) }
        // Without a known family nobody knows where the TLVs begin.
        if addressByteCount > 0 {
            try checkExtensions(fixedByteCount + addressByteCount..<end, bytes)
        }
        return ProxyHeader(client: client(family, bytes), byteCount: end)
    }

    /// Source and destination of a family, with their ports; 0 where the family has none.
    private static func byteCount(ofAddresses family: UInt8) -> Int {
        switch family {
        case 0x11, 0x12: 12
        case 0x21, 0x22: 36
        case 0x31, 0x32: 216
        default: 0
        }
    }

    /// Only TCP names a client of ours; sockets of a file system and datagrams do not.
    private static func client(
        _ family: UInt8, _ bytes: borrowing Span<UInt8>
    ) -> PeerAddress? {
        guard family == 0x11 || family == 0x21 else { return nil }
        let addressByteCount = family == 0x11 ? 4 : 16
        let portOffset = fixedByteCount + 2 * addressByteCount
        let ip = bytes.extracting(fixedByteCount..<fixedByteCount + addressByteCount)
        return PeerAddress(
            ip: ip.withUnsafeBytes { IPAddress(networkOrder: $0) },
            port: UInt16(bytes[portOffset]) << 8 | UInt16(bytes[portOffset + 1]))
    }

    /// Type, length, value, again and again: nothing of them is used but the checksum.
    private static func checkExtensions(
        _ range: Range<Int>, _ bytes: borrowing Span<UInt8>
    ) throws(ProxyHeaderViolation) {
        var start = range.lowerBound
        while start < range.upperBound {
            guard start + 3 <= range.upperBound else { throw .malformed }
            let value = start + 3
            let end = value + Int(bytes[start + 1]) << 8 + Int(bytes[start + 2])
            guard end <= range.upperBound else { throw .malformed }
            if bytes[start] == checksumType {
                guard end - value == checksumByteCount else { throw .malformed }
                var expected: UInt32 = 0
                for index in value..<end { expected = expected << 8 | UInt32(bytes[index]) }
                guard
                    checksum(bytes.extracting(..<range.upperBound), zeroing: value..<end)
                        == expected
                else { throw .checksum }
            }
            start = end
        }
    }

    /// CRC-32C of the header with the checksum's own bytes taken as zero. Bit by bit: few proxies
    /// send one, and once per connection.
    private static func checksum(
        _ bytes: borrowing Span<UInt8>, zeroing hole: Range<Int>
    ) -> UInt32 {
        var remainder = UInt32.max
        for index in bytes.indices {
            remainder ^= hole.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 {
                remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0)
            }
        }
        return ~remainder
    }
}
