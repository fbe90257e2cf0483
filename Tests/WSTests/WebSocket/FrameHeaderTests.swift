import Testing

@testable import WS

/// RFC 6455 §5.2.
@Suite struct FrameHeaderTests {
    private static let headers: [[UInt8]] = [
        [0x81, 0x85, 1, 2, 3, 4],
        [0x02, 0xFE, 0x01, 0x00, 9, 8, 7, 6],
        [0x80, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 5, 5, 5, 5],
        [0x89, 0x80, 0xFF, 0xFF, 0xFF, 0xFF],
    ]

    @Test(arguments: headers)
    func `every shorter prefix is incomplete`(header: [UInt8]) {
        for count in 0..<header.count {
            #expect(parse(Array(header.prefix(count))) == .incomplete)
        }
    }

    @Test func `each length form is read with its key in wire order`() {
        let expected = [
            FrameHeader(
                opcode: .text, isFinal: true, payloadByteCount: 5, maskingKey: 0x0403_0201,
                byteCount: 6),
            FrameHeader(
                opcode: .binary, isFinal: false, payloadByteCount: 256, maskingKey: 0x0607_0809,
                byteCount: 8),
            FrameHeader(
                opcode: .continuation, isFinal: true, payloadByteCount: 65_536,
                maskingKey: 0x0505_0505, byteCount: 14),
            FrameHeader(
                opcode: .ping, isFinal: true, payloadByteCount: 0, maskingKey: 0xFFFF_FFFF,
                byteCount: 6),
        ]
        for (header, frame) in zip(Self.headers, expected) {
            #expect(parse(header) == .complete(frame))
            #expect(parse(header + [0xAA, 0xBB]) == .complete(frame))
        }
    }

    @Test(arguments: UInt8(0)...255)
    func `the first byte alone decides on reserved bits, opcodes and lone control frames`(
        first: UInt8
    ) {
        let result = parse([first])
        let opcode = first & 0x0F
        if first & 0x70 != 0 {
            #expect(result == .violation(.reservedBitSet))
        } else if (3...7).contains(opcode) || opcode > 10 {
            #expect(result == .violation(.reservedOpcode(opcode)))
        } else if opcode >= 8, first & 0x80 == 0 {
            #expect(result == .violation(.fragmentedControlFrame))
        } else {
            #expect(result == .incomplete)
        }
    }

    @Test func `an unmasked frame is refused at its second byte`() {
        #expect(parse([0x81, 0x05]) == .violation(.unmaskedFrame))
    }

    @Test func `a control frame holds 125 bytes and not 126`() {
        #expect(parse([0x89, 0xFD]) == .incomplete)
        #expect(parse([0x89, 0xFE]) == .violation(.controlFrameTooLong))
        #expect(parse([0x88, 0xFF]) == .violation(.controlFrameTooLong))
    }

    @Test func `a length in a longer form than needed is refused`() {
        #expect(parse([0x82, 0xFE, 0, 125]) == .violation(.malformedLength))
        #expect(parse([0x82, 0xFE, 0, 126]) == .incomplete)
        #expect(parse([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) == .violation(.malformedLength))
        #expect(parse([0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0]) == .incomplete)
        let topBit: [UInt8] = [0x82, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0]
        #expect(parse(topBit) == .violation(.malformedLength))
    }

    @Test(arguments: [1, 125, 126, 127, 65_535, 65_536, 65_537])
    func `the limit holds exactly, before the masking key is there`(limit: Int) {
        for (byteCount, isAccepted) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
            let frame = clientFrame(0x2, [UInt8](repeating: 0, count: byteCount))
            let keyOffset = frame.count - byteCount - 4
            let result = parse(Array(frame.prefix(keyOffset)), limit: limit)
            #expect(result == (isAccepted ? .incomplete : .violation(.messageTooLarge)))
        }
    }

    @Test func `the limit of data frames does not touch control frames`() {
        let result = parse([0x89, 0xFD], limit: 0)
        #expect(result == .incomplete)
    }

    private func parse(_ bytes: [UInt8], limit: Int = 1 << 20) -> FrameHeader.ParseResult {
        FrameHeader.parse(bytes.span, payloadByteCountMax: limit)
    }
}
