import Loop
import TestSupport
import Testing

@testable import WS

@Suite struct MessageDeflateTests {
    private static let text = Array(String(repeating: "{\"orderId\":17} ", count: 100).utf8)

    @Test func `off is no permessage-deflate at all`() {
        #expect(MessageDeflate(WSCompression()) == nil)
    }

    @Test func `a message comes out of the other end, each without the ones before`() {
        let deflate = messageDeflate()
        for count in [60, 300, 1500] {
            let message = Array(Self.text.prefix(count))
            let first = compressed(message, by: deflate)

            #expect(first.flatMap { inflated($0, atMost: count) } == message)
            #expect(compressed(message, by: deflate) == first)
        }
    }

    @Test func `small messages and those that do not shrink are left as they are`() {
        let deflate = messageDeflate(from: 256)
        var random = SeededBytes(seed: 7)

        #expect(compressed(Array(Self.text.prefix(255)), by: deflate) == nil)
        #expect(compressed(Array(Self.text.prefix(256)), by: deflate) != nil)
        #expect(compressed(random.bytes(count: 5000), by: deflate) == nil)
        // And what was given up leaves nothing behind.
        let after = compressed(Self.text, by: deflate)
        #expect(after.flatMap { inflated($0, atMost: Self.text.count) } == Self.text)
    }

    /// zlib has no raw stream with 8 bits to compare with on the sending side; it inflates one.
    @Test(arguments: UInt8(8)...14)
    func `a message as long as the window is inflated with it, a longer one is not compressed`(
        bits: UInt8
    ) {
        let deflate = messageDeflate()
        let window = DeflateWindow(bits: bits)
        // The end repeats the beginning: as far back as it can be.
        var random = SeededBytes(seed: 1)
        let size = 1 << Int(bits)
        let start = random.bytes(count: 40)
        let middle = [UInt8](repeating: 0x20, count: size - 80)
        let message = start + middle + start

        let payload = compressed(message, by: deflate, for: window)

        #expect(
            payload.flatMap { inflated($0, windowBits: Int32(bits), atMost: size) } == message)
        #expect(compressed(message + [0x20], by: deflate, for: window) == nil)
    }

    @Test func `a frame for many has RSV1 and is compressed only if that gains`() throws {
        let deflate = messageDeflate()
        let frame = try #require(Self.text.withUnsafeBytes { deflate.makeFrame($0, as: .text) })
        defer { frame.release() }

        #expect(Array(frame.bytes.prefix(2)) == [0xC1, UInt8(frame.bytes.count - 2)])
        #expect(inflated(Array(frame.bytes.dropFirst(2)), atMost: Self.text.count) == Self.text)
        let short: [UInt8] = [1, 2, 3]
        #expect(short.withUnsafeBytes { deflate.makeFrame($0, as: .binary) } == nil)
    }

    private func compressed(
        _ message: [UInt8], by deflate: MessageDeflate, for window: DeflateWindow = .largest
    ) -> [UInt8]? {
        message.withUnsafeBytes { deflate.withCompressed($0, for: window) { Array($0) } }
    }
}

@Suite(.timeLimit(.minutes(1))) struct CompressedConnectionTests {
    private final class Echo: WSConnection {
        override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
            send(UnsafeRawBufferPointer(message), as: kind)
        }
    }

    private static func start(messageByteCountMax: Int = 1 << 16) throws -> LoopHarness {
        var limits = WSLimits()
        limits.messageByteCountMax = messageByteCountMax
        return try LoopHarness { [limits] _ in
            Echo(
                limits: limits,
                deflate: DeflateAgreement(
                    deflate: messageDeflate(from: 100), window: DeflateWindow(bits: 10)))
        }
    }

    @Test func `answers are compressed where it gains and the window allows it`() throws {
        let harness = try Self.start()
        let client = try harness.connect()
        func echo(_ count: Int) throws -> (head: UInt8, payload: [UInt8]) {
            let message = Array(repeating: UInt8(ascii: "x"), count: count)
            try client.send(compressedFrame(0x1, deflated(message)))
            let head = try client.receive(exactly: 2)
            let extended = head[1] == 126 ? try client.receive(exactly: 2) : []
            let byteCount =
                extended.isEmpty ? Int(head[1]) : Int(extended[0]) << 8 | Int(extended[1])
            return (head[0], try client.receive(exactly: byteCount))
        }

        #expect(try echo(99).head == 0x81)
        let answer = try echo(1024)
        #expect(answer.head == 0xC1)
        #expect(
            inflated(answer.payload, windowBits: 10, atMost: 1024)
                == Array(repeating: UInt8(ascii: "x"), count: 1024))
        #expect(try echo(1025).head == 0x81)
    }

    @Test func `a bomb is closed with 1009, bad DEFLATE with 1007, RSV1 on a ping with 1002`()
        throws
    {
        let harness = try Self.start()
        let cases: [([UInt8], [UInt8])] = [
            (compressedFrame(0x2, deflated([UInt8](repeating: 0, count: 1 << 20))), [0x03, 0xF1]),
            (compressedFrame(0x2, [0xFF]), [0x03, 0xEF]), (compressedFrame(0x9, []), [0x03, 0xEA]),
        ]
        for (bytes, code) in cases {
            let client = try harness.connect()
            try client.send(bytes)
            #expect(try client.receiveToEnd() == [0x88, 2] + code)
        }
    }

    /// All of them fit into one read, and only four into the bound of a tick.
    @Test func `many messages that inflate to the limit are all answered, turn by turn`() throws {
        let harness = try Self.start()
        // A socket may be written by one thread and read by another.
        nonisolated(unsafe) let client = try harness.connect()
        let message = [UInt8](repeating: 0, count: 1 << 16)
        let frame = compressedFrame(0x2, deflated(message))
        let sender = NativeThread(name: "sender") {
            // A failure shows as missing answers.
            for _ in 0..<50 { try? client.send(frame) }
        }
        defer { sender.join() }

        for _ in 0..<50 {
            // Above the window, so the echo is plain.
            let answer = try client.receive(exactly: 10 + message.count)
            #expect(answer[0] == 0x82)
        }
    }
}
