import Testing

@testable import Loop

@Suite struct ProxyHeaderTests {
    private static func parse(_ bytes: [UInt8]) -> ProxyHeader.ParseResult {
        ProxyHeader.parse(bytes.span)
    }

    private static func parse(_ text: String) -> ProxyHeader.ParseResult { parse(Array(text.utf8)) }

    private static func client(_ ip: String, _ port: UInt16) -> PeerAddress {
        PeerAddress(ip: IPAddress(ip)!, port: port)
    }

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    /// A header of version 2.
    private static func binary(
        command: UInt8 = 0x21, family: UInt8 = 0x11, _ block: [UInt8]
    ) -> [UInt8] {
        signature + [command, family, UInt8(block.count >> 8), UInt8(block.count & 0xFF)] + block
    }

    private static let ipv4Block: [UInt8] = [203, 0, 113, 7, 10, 0, 0, 1, 0xC8, 0x22, 1, 0xBB]
    private static let ipv6Block: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [7]
        + Array(repeating: 0, count: 15) + [1] + [0xC8, 0x22, 1, 0xBB]
    /// ALPN, then nothing of a type nobody knows.
    private static let extensions: [UInt8] = [0x01, 0, 2, 0x68, 0x32, 0xEE, 0, 0]

    static let wholeHeaders: [([UInt8], PeerAddress?)] = [
        (Array("PROXY TCP4 203.0.113.7 10.0.0.1 51234 443\r\n".utf8), client("203.0.113.7", 51234)),
        (Array("PROXY TCP6 2001:db8::7 ::1 51234 443\r\n".utf8), client("2001:db8::7", 51234)),
        (Array("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n".utf8), client("0.0.0.0", 0)),
        (Array("PROXY UNKNOWN\r\n".utf8), nil),
        (Array("PROXY UNKNOWN whatever it says\r\n".utf8), nil),
        (binary(ipv4Block), client("203.0.113.7", 51234)),
        (binary(family: 0x21, ipv6Block), client("2001:db8::7", 51234)),
        (binary(ipv4Block + extensions), client("203.0.113.7", 51234)),
        (binary(family: 0x31, Array(repeating: 0x2F, count: 216)), nil),
        (binary(family: 0x12, ipv4Block), nil),
        (binary(family: 0x00, [1, 2, 3]), nil),
        (binary(command: 0x20, family: 0x00, []), nil),
        (binary(command: 0x20, family: 0xFF, [1]), nil),
    ]

    @Test(arguments: wholeHeaders)
    func `a header is incomplete until its last byte, and takes none behind it`(
        header: [UInt8], client: PeerAddress?
    ) {
        for count in 0..<header.count {
            #expect(Self.parse(Array(header[..<count])) == .incomplete, "\(count) bytes")
        }
        let whole = ProxyHeader.ParseResult.complete(
            ProxyHeader(client: client, byteCount: header.count))
        #expect(Self.parse(header) == whole)
        #expect(Self.parse(header + Array("PROXY \r\n\0".utf8)) == whole)
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1\r\n", .missing), ("\u{16}\u{3}\u{1}", .missing),
            ("PROXX", .missing), ("PROXY\r\n", .missing), ("\r\n\r\n\r", .missing),
            ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported),
            ("PROXY \r\n", .unsupported), ("PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported),
            ("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported),
            ("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", .unsupported),
            ("PROXY TCP4\r\n", .malformed), ("PROXY TCP4 \r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4  1.2.3.4 1 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4\t1.2.3.4 1 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\rX", .malformed),
            ("PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n", .malformed),
            ("PROXY TCP4 ::1 1.2.3.4 1 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 ::1 1 1\r\n", .malformed),
            ("PROXY TCP6 1.2.3.4 ::1 1 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 100000\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", .malformed),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n", .malformed),
            ("PROXY UNKNOWN \u{7F}\r\n", .malformed), ("PROXY UNKNOWN é\r\n", .malformed),
        ] as [(String, ProxyHeaderViolation)])
    func `a line that is not exactly one of version 1 is refused`(
        line: String, violation: ProxyHeaderViolation
    ) {
        #expect(Self.parse(line) == .violation(violation))
    }

    @Test func `a line may have 107 bytes and not one more`() {
        let front = "PROXY UNKNOWN "
        let longest = front + String(repeating: "x", count: 107 - front.utf8.count - 2) + "\r\n"
        let result = Self.parse(longest)
        #expect(result == .complete(ProxyHeader(client: nil, byteCount: 107)))
        #expect(Self.parse(front + String(repeating: "x", count: 92)) == .violation(.tooLong))
        #expect(Self.parse(front + String(repeating: "x", count: 91)) == .incomplete)
    }

    @Test(
        arguments: [
            // Refused before it is complete: the version, the command, the family.
            (signature + [0x11], .unsupported), (signature + [0x31], .unsupported),
            (signature + [0x22], .unsupported), (signature + [0x21, 0x41], .unsupported),
            (signature + [0x21, 0x13], .unsupported),
            (signature + [0x21, 0x11, 0, 11], .malformed),
            (signature + [0x21, 0x21, 0, 35], .malformed),
            (signature + [0x21, 0x31, 0, 215], .malformed),
            (signature + [0x21, 0x11, 0x0F, 0xF1], .tooLong),
            (signature + [0x20, 0x00, 0xFF, 0xFF], .tooLong),
            (binary(ipv4Block + [1]), .malformed), (binary(ipv4Block + [1, 0]), .malformed),
            (binary(ipv4Block + [1, 0, 1]), .malformed),
            (binary(ipv4Block + [1, 0, 3, 0, 0]), .malformed),
            (binary(ipv4Block + [3, 0, 3, 0, 0, 0]), .malformed),
            (binary(ipv4Block + [3, 0, 4, 0, 0, 0, 0]), .checksum),
        ] as [([UInt8], ProxyHeaderViolation)])
    func `a block that is not exactly one of version 2 is refused`(
        bytes: [UInt8], violation: ProxyHeaderViolation
    ) {
        #expect(Self.parse(bytes) == .violation(violation))
    }

    @Test func `a block may have 4,080 bytes`() {
        let header = Self.binary(family: 0x00, Array(repeating: 0, count: 4080))
        let result = Self.parse(header)
        #expect(result == .complete(ProxyHeader(client: nil, byteCount: 4096)))
    }

    @Test func `a checksum is compared where there is one`() {
        let header = Self.binary(
            Self.ipv4Block + [0x03, 0, 4] + Self.checksum + [0x04, 0, 1, 0])
        let whole = ProxyHeader(client: Self.client("203.0.113.7", 51234), byteCount: header.count)
        #expect(Self.parse(header) == .complete(whole))

        for index in 16..<header.count
        where !(28...30).contains(index) && !(35...37).contains(index) {
            var damaged = header
            damaged[index] ^= 0x10
            #expect(Self.parse(damaged) == .violation(.checksum), "byte \(index)")
        }
    }

    /// Of an independent CRC-32C, one whose check value is E3069283.
    private static let checksum: [UInt8] = [0x7A, 0xA6, 0x2C, 0x3A]
}
