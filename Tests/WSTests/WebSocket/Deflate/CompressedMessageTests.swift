import TestSupport
import Testing

@testable import WS

/// RFC 7692 §6, §7.2.2 and §7.2.3.
@Suite struct CompressedMessageTests {
    private static let hello = Array("Hello".utf8)
    /// The RFC's examples, in its order.
    private static let examples: [[UInt8]] = [
        [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        // A block without compression.
        [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
        // A block with BFINAL.
        [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        // Two blocks.
        [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
    ]

    @Test(arguments: examples) func `the RFC's examples are inflated`(payload: [UInt8]) {
        #expect(assemble(compressedFrame(0x1, payload)) == [.text(Self.hello)])
        for split in 0...payload.count {
            let frames =
                compressedFrame(0x1, Array(payload[..<split]), fin: false)
                + clientFrame(0x0, Array(payload[split...]))
            #expect(assemble(frames) == [.text(Self.hello)])
        }
    }

    @Test(arguments: [[0x00], [], [0x03, 0x00], [0x03, 0x00, 0x00], [0x02, 0x00]] as [[UInt8]])
    func `an empty message has many forms`(payload: [UInt8]) {
        #expect(assemble(compressedFrame(0x1, payload)) == [.text([])])
    }

    @Test func `blocks behind one with BFINAL belong to the message, and may refer to it`() {
        // "Hello", final; then three bytes from five bytes ago, with fixed codes.
        let payload: [UInt8] =
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00] + [0x02, 0x12, 0x00, 0x00]

        #expect(assemble(compressedFrame(0x1, payload)) == [.text(Array("HelloHel".utf8))])
    }

    private static let conversation: [UInt8] = {
        let long = Array(String(repeating: "one message € ", count: 40).utf8)
        let payload = deflated(long)
        return compressedFrame(0x1, deflated(Array("hé".utf8))) + textFrame("plain")
            + compressedFrame(0x1, Array(payload[..<20]), fin: false)
            + clientFrame(0x9, Array("still there?".utf8)) + clientFrame(0x0, [], fin: false)
            + clientFrame(0xA) + clientFrame(0x0, Array(payload[20...]))
            + compressedFrame(0x2, deflated([UInt8](repeating: 0xFF, count: 3000)))
            + clientFrame(0x8, [0x03, 0xE8])
    }()
    private static let events: [Seen] = [
        .text(Array("hé".utf8)), .text(Array("plain".utf8)), .ping(Array("still there?".utf8)),
        .pong, .text(Array(String(repeating: "one message € ", count: 40).utf8)),
        .binary([UInt8](repeating: 0xFF, count: 3000)), .close(1000),
    ]

    @Test func `every split in two gives the same events, control frames between fragments too`() {
        let conversation = Self.conversation
        for split in 0...conversation.count {
            let pieces = [Array(conversation[..<split]), Array(conversation[split...])]
            #expect(assemble(pieces) == Self.events)
        }
        #expect(assemble(conversation.map { [$0] }) == Self.events)
    }

    @Test func `every prefix gives a prefix of the events`() {
        for count in 0...Self.conversation.count {
            let seen = assemble(Array(Self.conversation.prefix(count)))
            #expect(seen == Array(Self.events.prefix(seen.count)))
        }
    }

    @Test func `messages of several connections are inflated side by side`() {
        let shared = messageDeflate()
        let texts = ["a", "b", "c"].map { Array(String(repeating: $0 + "€", count: 500).utf8) }
        var frames = texts.map { compressedFrame(0x1, deflated($0)) }
        var seen: [[UInt8]] = []
        var a = MessageAssembler(messageByteCountMax: 1 << 16, deflate: shared)
        var b = MessageAssembler(messageByteCountMax: 1 << 16, deflate: shared)
        var c = MessageAssembler(messageByteCountMax: 1 << 16, deflate: shared)
        func feed(_ assembler: inout MessageAssembler, _ frame: inout [UInt8], _ count: Int) {
            var piece = Array(frame.prefix(count))
            frame.removeFirst(piece.count)
            var offset = 0
            piece.withUnsafeMutableBytes { bytes in
                if case .message(let message, _) = assembler.next(in: bytes, at: &offset) {
                    seen.append(Array(message))
                    assembler.messageDelivered()
                }
            }
            frame.insert(contentsOf: piece[offset...], at: 0)
        }

        for count in [8, 12, .max] {
            feed(&a, &frames[0], count)
            feed(&b, &frames[1], count)
            feed(&c, &frames[2], count)
        }

        #expect(seen == texts)
    }

    @Test(arguments: [
        (compressedFrame(0x0, [0]), FrameViolation.reservedBitSet),
        (compressedFrame(0x8, []), .reservedBitSet),
        (compressedFrame(0x9, []), .reservedBitSet), (compressedFrame(0xA, []), .reservedBitSet),
        ([0xB1, 0x80, 0, 0, 0, 0], .reservedBitSet), ([0xE1, 0x80, 0, 0, 0, 0], .reservedBitSet),
        ([0xD1, 0x80, 0, 0, 0, 0], .reservedBitSet), ([0xC3], .reservedOpcode(3)),
    ])
    func `only a message's first frame may have RSV1, and none another one`(
        frame: [UInt8], violation: FrameViolation
    ) {
        #expect(assemble(frame) == [.violation(violation)])
        // Refused with its first byte.
        #expect(assemble([frame[0]]) == [.violation(violation)])
    }

    @Test func `a continuation with RSV1 is refused inside a compressed message too`() {
        let frames = compressedFrame(0x1, [0xF2], fin: false) + compressedFrame(0x0, [0x48])

        #expect(assemble(frames) == [.violation(.reservedBitSet)])
    }

    @Test func `without the extension RSV1 is refused`() {
        let frame = compressedFrame(0x1, Self.examples[0])

        #expect(assemble(frame, deflate: nil) == [.violation(.reservedBitSet)])
    }

    @Test(
        arguments: [
            [0xFF], [0x06], [0x07, 0xFF], [0x00, 0x05, 0x00, 0x05, 0x00],
            // Three bytes from five bytes ago, and there are none.
            [0x02, 0x12, 0x00, 0x00],
            // Broken off inside a block.
            [0xF2], [0xF2, 0x48, 0xCD], [0x00, 0x06, 0x00, 0xF9, 0xFF, 0x48], [0x04, 0xC0],
        ] as [[UInt8]])
    func `what is no DEFLATE, or not all of it, is a violation`(payload: [UInt8]) {
        #expect(assemble(compressedFrame(0x2, payload)) == [.violation(.malformedCompression)])
        #expect(FrameViolation.malformedCompression.closeCode == .invalidPayload)
    }

    @Test func `a message does not see the one before it`() {
        let first = compressedFrame(0x2, Self.examples[0])
        let referring = compressedFrame(0x2, [0x02, 0x12, 0x00, 0x00])

        #expect(
            assemble(first + referring) == [.binary(Self.hello), .violation(.malformedCompression)])
    }

    @Test(arguments: UTF8ValidatorTests.vectors)
    func `inflated text is checked, and fails inside an unfinished message`(
        bytes: [UInt8], failsAfter: Int?
    ) {
        let expected: [Seen] = failsAfter == nil ? [.text(bytes)] : [.violation(.invalidUTF8)]
        #expect(assemble(compressedFrame(0x1, deflated(bytes))) == expected)
        if failsAfter != nil {
            // Stored, so that each byte comes out when it has come in.
            let count = UInt8(bytes.count)
            let unfinished = [0, count, 0, ~count, 0xFF] + bytes
            #expect(assemble(compressedFrame(0x1, unfinished, fin: false)) == expected)
        }
    }

    @Test func `the limit counts inflated bytes, at n - 1, n and n + 1`() {
        func message(_ byteCount: Int) -> [Seen] {
            let payload = deflated([UInt8](repeating: 1, count: byteCount))
            return assemble(compressedFrame(0x2, payload), messageByteCountMax: 1000)
        }
        #expect(message(999) == [.binary([UInt8](repeating: 1, count: 999))])
        #expect(message(1000) == [.binary([UInt8](repeating: 1, count: 1000))])
        #expect(message(1001) == [.violation(.messageTooLarge)])
    }

    @Test func `the limit counts compressed bytes too, over all fragments`() {
        // Empty blocks stand for nothing, so that only they are counted.
        let blocks = [[UInt8]](repeating: [0, 0, 0, 0xFF, 0xFF], count: 4).flatMap { $0 }
        func message(limit: Int) -> [Seen] {
            assemble(
                compressedFrame(0x2, blocks, fin: false) + clientFrame(0x0, blocks, fin: false)
                    + clientFrame(0x0, [0]), messageByteCountMax: limit)
        }
        #expect(message(limit: 41) == [.binary([])])
        #expect(message(limit: 40) == [.violation(.messageTooLarge)])
        #expect(message(limit: 39) == [.violation(.messageTooLarge)])
    }

    @Test func `a bomb is refused when its limit is passed, not when it has gone off`() {
        // 64 MiB in 64 KiB, in fragments; the limit is passed in the first one.
        let bomb = deflated([UInt8](repeating: 0, count: 64 << 20))
        let first = compressedFrame(0x2, Array(bomb.prefix(2000)), fin: false)

        #expect(bomb.count < 1 << 17)
        #expect(assemble(first, messageByteCountMax: 1 << 20) == [.violation(.messageTooLarge)])
    }

    /// Streams of compressed and plain messages with some damage; how they are cut may not matter.
    @Test(arguments: UInt64(1)...200)
    func `random streams give the same events whole, byte by byte and in random pieces`(
        seed: UInt64
    ) {
        var random = SeededBytes(seed: seed)
        let stream = randomStream(&random)
        let pieces = random.pieces(of: stream)

        let whole = assemble(stream, messageByteCountMax: 500)

        #expect(assemble(stream.map { [$0] }, messageByteCountMax: 500) == whole)
        #expect(assemble(pieces, messageByteCountMax: 500) == whole)
        #expect(!whole.isEmpty)
    }

    private func randomStream(_ random: inout SeededBytes) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<(1 + random.below(8)) {
            let text = String("aé€😀".randomElement(using: &random)!)
            let message = Array(String(repeating: text, count: random.below(130)).utf8)
            if random.below(4) == 0 {
                stream += clientFrame(0x1, message)
                continue
            }
            let payload = deflated(message)
            let split = random.below(payload.count + 1)
            stream += compressedFrame(0x1, Array(payload[..<split]), fin: false)
            if random.below(2) == 0 { stream += clientFrame(0x9, [1, 2, 3]) }
            stream += clientFrame(0x0, Array(payload[split...]))
        }
        if random.below(2) == 0 {
            stream[random.below(stream.count)] ^= 1 << UInt8(random.below(8))
        }
        return stream + clientFrame(0x9) + clientFrame(0x8)
    }
}
