import TestSupport
import Testing

@testable import WS

/// RFC 6455 §5.4 and §8.1.
@Suite struct MessageAssemblerTests {
    private static let conversation: [UInt8] =
        textFrame("hé") + textFrame("", fin: true) + textFrame("one ", fin: false)
        + clientFrame(0x9, Array("still there?".utf8)) + clientFrame(0x0, [], fin: false)
        + clientFrame(0xA) + clientFrame(0x0, Array("message €".utf8))
        + clientFrame(0x2, [UInt8](repeating: 0xFF, count: 300)) + clientFrame(0x8, [0x03, 0xE8])
    private static let events: [Seen] = [
        .text(Array("hé".utf8)), .text([]), .ping(Array("still there?".utf8)), .pong,
        .text(Array("one message €".utf8)), .binary([UInt8](repeating: 0xFF, count: 300)),
        .close(1000),
    ]

    @Test func `a conversation in one buffer, with control frames between fragments`() {
        #expect(assemble(Self.conversation) == Self.events)
    }

    @Test func `every split in two gives the same events`() {
        for split in 0...Self.conversation.count {
            let pieces = [
                Array(Self.conversation[..<split]), Array(Self.conversation[split...]),
            ]
            #expect(assemble(pieces) == Self.events)
        }
    }

    @Test func `one byte at a time gives the same events`() {
        #expect(assemble(Self.conversation.map { [$0] }) == Self.events)
    }

    @Test func `every prefix gives a prefix of the events`() {
        for count in 0...Self.conversation.count {
            let seen = assemble(Array(Self.conversation.prefix(count)))
            #expect(seen == Array(Self.events.prefix(seen.count)))
        }
    }

    @Test func `a whole message is delivered in the memory it arrived in`() {
        var bytes = textFrame("in place")
        var assembler = MessageAssembler(messageByteCountMax: 100)
        let isInPlace = bytes.withUnsafeMutableBytes { buffer in
            var offset = 0
            guard case .message(let message, .text) = assembler.next(in: buffer, at: &offset)
            else { return false }
            return message.baseAddress == buffer.baseAddress! + 6 && offset == buffer.count
        }
        #expect(isInPlace)
    }

    @Test func `what is left over is never more than a header or a control frame`() {
        let frame = clientFrame(0x2, [UInt8](repeating: 7, count: 70_000))
        for count in [1, 13, 14, 15, 1000, 69_000] {
            var assembler = MessageAssembler(messageByteCountMax: 100_000)
            var prefix = Array(frame.prefix(count))
            var offset = 0
            prefix.withUnsafeMutableBytes { _ = assembler.next(in: $0, at: &offset) }
            #expect(offset == (count < 14 ? 0 : count))
        }
    }

    @Test func `the limit counts a message over all its fragments`() {
        func message(_ parts: [Int]) -> [Seen] {
            let frames = parts.indices.flatMap { index in
                clientFrame(
                    index == 0 ? 0x2 : 0x0, [UInt8](repeating: 1, count: parts[index]),
                    fin: index == parts.count - 1)
            }
            return assemble(frames, messageByteCountMax: 10)
        }
        #expect(message([9]) == [.binary([UInt8](repeating: 1, count: 9))])
        #expect(message([10]) == [.binary([UInt8](repeating: 1, count: 10))])
        #expect(message([11]) == [.violation(.messageTooLarge)])
        #expect(message([6, 0, 4]) == [.binary([UInt8](repeating: 1, count: 10))])
        #expect(message([6, 0, 5]) == [.violation(.messageTooLarge)])
        #expect(message([10, 0]) == [.binary([UInt8](repeating: 1, count: 10))])
    }

    @Test func `the limit starts anew with each message`() {
        let ten = [UInt8](repeating: 2, count: 10)
        let twice = clientFrame(0x2, ten, fin: false) + clientFrame(0x0) + clientFrame(0x2, ten)

        #expect(assemble(twice, messageByteCountMax: 10) == [.binary(ten), .binary(ten)])
    }

    @Test func `fragments out of order are violations`() {
        #expect(assemble(clientFrame(0x0)) == [.violation(.continuationWithoutStart)])
        #expect(
            assemble(textFrame("a") + clientFrame(0x0))
                == [.text([0x61]), .violation(.continuationWithoutStart)])
        #expect(
            assemble(textFrame("a", fin: false) + textFrame("b"))
                == [.violation(.messageInsideMessage)])
        #expect(
            assemble(clientFrame(0x2, [1], fin: false) + clientFrame(0x2, [2], fin: false))
                == [.violation(.messageInsideMessage)])
    }

    @Test(arguments: UTF8ValidatorTests.vectors)
    func `text is checked over fragments, and fails inside an unfinished frame`(
        bytes: [UInt8], failsAfter: Int?
    ) {
        let expected: [Seen] = failsAfter == nil ? [.text(bytes)] : [.violation(.invalidUTF8)]
        #expect(assemble(clientFrame(0x1, bytes)) == expected)
        for split in 0...bytes.count {
            let first = clientFrame(0x1, Array(bytes[..<split]), fin: false)
            #expect(assemble(first + clientFrame(0x0, Array(bytes[split...]))) == expected)
        }
        if let failsAfter {
            let unfinished = clientFrame(0x1, bytes + [UInt8](repeating: 0x20, count: 50))
            #expect(assemble(Array(unfinished.prefix(6 + failsAfter))) == expected)
            #expect(assemble(Array(unfinished.prefix(6 + failsAfter - 1))).isEmpty)
        }
    }

    @Test func `text that ends inside a character fails with its last frame only`() {
        let half = Array("€".utf8.prefix(2))

        #expect(assemble(clientFrame(0x1, half)) == [.violation(.invalidUTF8)])
        #expect(assemble(clientFrame(0x1, half, fin: false)).isEmpty)
        #expect(
            assemble(clientFrame(0x1, half, fin: false) + clientFrame(0x0))
                == [.violation(.invalidUTF8)])
    }

    @Test func `binary messages and pings need not be UTF-8`() {
        let bytes: [UInt8] = [0xFF, 0xC0, 0x80]

        #expect(
            assemble(clientFrame(0x2, bytes) + clientFrame(0x9, bytes)) == [
                .binary(bytes), .ping(bytes),
            ])
    }

    @Test func `bad Close frames are violations`() {
        #expect(assemble(clientFrame(0x8)) == [.close(1005)])
        #expect(assemble(clientFrame(0x8, [0x03])) == [.violation(.truncatedCloseCode)])
        #expect(
            assemble(clientFrame(0x8, [0x03, 0xEE])) == [.violation(.forbiddenCloseCode(1006))])
        #expect(assemble(clientFrame(0x8, [0x03, 0xE8, 0xFF])) == [.violation(.invalidUTF8)])
    }

    /// Streams of mostly legal frames with some damage; how they are cut may not matter.
    @Test(arguments: UInt64(1)...300)
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
        var isFragmented = false
        for _ in 0..<(1 + random.below(12)) {
            let key = UInt32(random.below(1 << 32))
            if random.below(4) == 0 {
                let payload = random.bytes(count: random.below(126))
                stream += clientFrame(random.below(2) == 0 ? 0x9 : 0xA, payload, key: key)
                continue
            }
            let isFinal = random.below(3) != 0
            let text = String("aé€😀".randomElement(using: &random)!)
            let payload = Array(String(repeating: text, count: random.below(60)).utf8)
            stream += clientFrame(
                isFragmented ? 0x0 : 0x1, payload, fin: isFinal, key: key)
            isFragmented = !isFinal
        }
        if random.below(3) == 0 {
            stream[random.below(stream.count)] ^= 1 << UInt8(random.below(8))
        }
        return stream + clientFrame(0x9) + clientFrame(0x8)
    }
}

/// `SeededRandom` as a generator.
struct SeededBytes: RandomNumberGenerator {
    private let source: SeededRandom

    init(seed: UInt64) { source = SeededRandom(seed: seed) }

    mutating func next() -> UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { source.fill($0) }
        return word
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    mutating func bytes(count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    /// The bytes in pieces of 1 to 40.
    mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            pieces.append(Array(rest.prefix(1 + below(40))))
            rest = rest.dropFirst(pieces.last!.count)
        }
        return pieces
    }
}
