import Testing

@testable import Hub

/// Binary messages with their length in front, cut out of a stream.
@Suite("MessagePack framing") struct MessagePackFramingTests {
    /// M10.
    @Test(
        arguments: [
            (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x80, 0x01]), (16_383, [0xFF, 0x7F]),
            (16_384, [0x80, 0x80, 0x01]), (1 << 21 - 1, [0xFF, 0xFF, 0x7F]),
            (1 << 21, [0x80, 0x80, 0x80, 0x01]), (1 << 28 - 1, [0xFF, 0xFF, 0xFF, 0x7F]),
            (1 << 28, [0x80, 0x80, 0x80, 0x80, 0x01]),
            (Int(Int32.max), [0xFF, 0xFF, 0xFF, 0xFF, 0x07]),
        ] as [(Int, [UInt8])])
    func `a length has its shortest form and comes back from any prefix of a stream`(
        length: Int, prefix: [UInt8]
    ) {
        let (word, byteCount) = LengthPrefix.make(length)
        #expect((0..<byteCount).map { UInt8(word >> UInt64(8 * $0) & 0xFF) } == prefix)
        #expect(
            read(prefix + [0xFF, 0xFF, 0xFF])
                == .complete(bodyByteCount: length, prefixByteCount: prefix.count))
        for count in 0..<prefix.count {
            #expect(read(Array(prefix.prefix(count))) == .incomplete)
        }
    }

    @Test func `a length may be longer than it needs to be`() {
        #expect(read([0x80, 0x00]) == .complete(bodyByteCount: 0, prefixByteCount: 2))
        #expect(
            read([0x83, 0x80, 0x80, 0x80, 0x00]) == .complete(bodyByteCount: 3, prefixByteCount: 5))
    }

    /// M11.
    @Test(
        arguments: [
            [0x80, 0x80, 0x80, 0x80, 0x08], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x80, 0x80, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func `2 GiB and more are no length, however the bytes come`(prefix: [UInt8]) {
        for split in 0..<prefix.count {
            var framer = makeFramer()
            var seen = records(&framer, Array(prefix[..<split]))
            seen += records(&framer, Array(prefix[split...]))
            #expect(seen == ["malformed"])
        }
        #expect(
            HubProtocolError.malformedLengthPrefix.detail
                == "Messages over 2GB in size are not supported.")
    }

    /// M12.
    @Test(
        arguments: [[0x80], [0x04, 0xAB, 0xCD, 0xEF], [0xFF, 0xFF, 0xFF, 0xFF, 0x07]] as [[UInt8]])
    func `what is incomplete waits`(chunk: [UInt8]) {
        var framer = makeFramer(limit: nil)
        #expect(records(&framer, chunk) == [])
        #expect(!framer.isEmpty)
    }

    /// M02, M13: every vector, cut at every two points.
    @Test func `any split of all vectors gives the same records in order`() throws {
        let vectors = MessagePackVectors.all
        let stream = try vectors.flatMap { try HubProtocol.messagePack.encode($0.message) }
        let bodies = vectors.map { hex($0.body) }

        for split in 0...stream.count {
            var framer = makeFramer()
            var seen = records(&framer, Array(stream[..<split]))
            seen += records(&framer, Array(stream[split...]))
            #expect(seen == bodies, "split at \(split)")
            #expect(framer.isEmpty)
        }
        var framer = makeFramer()
        #expect(stream.flatMap { records(&framer, [$0]) } == bodies)
    }

    /// M02.
    @Test(arguments: MessagePackVectors.all)
    func `a vector waits for its last byte, wherever it is cut twice`(
        vector: MessagePackVectors.Vector
    ) throws {
        let record = try HubProtocol.messagePack.encode(vector.message)
        for first in 0..<record.count {
            for second in first..<record.count {
                var framer = makeFramer()
                #expect(records(&framer, Array(record[..<first])) == [])
                #expect(records(&framer, Array(record[first..<second])) == [])
                #expect(records(&framer, Array(record[second...])) == [hex(vector.body)])
            }
        }
    }

    /// M14: the framer hands out what the protocol then refuses.
    @Test func `a length of zero is an empty record`() {
        var framer = makeFramer()
        #expect(records(&framer, [0x00, 0x01, 0xC0]) == ["", "C0"])
    }

    @Test(arguments: [(9, true), (10, true), (11, false)])
    func `a record passes with exactly the limit, length included`(size: Int, passes: Bool) {
        let record = [UInt8(size - 1)] + [UInt8](repeating: 0xC0, count: size - 1)
        for split in 0...size {
            var framer = makeFramer(limit: 10)
            var seen = records(&framer, Array(record[..<split]))
            if seen.isEmpty { seen = records(&framer, Array(record[split...])) }
            #expect((seen == ["too long"]) == !passes, "split at \(split)")
        }
    }

    @Test func `a length above the limit is refused before anything of the record has come`() {
        var framer = makeFramer(limit: 32 * 1024)
        #expect(records(&framer, [0x02, 0x91, 0x06, 0xFE, 0xFF, 0x02]) == ["9106", "too long"])
        #expect(framer.isEmpty)
        framer = makeFramer(limit: 32 * 1024)
        #expect(records(&framer, [0xFD, 0xFF]) == [])
        // 3 bytes of length and 32,765 of body are the limit.
        #expect(records(&framer, [0x01]) == [])
    }

    /// H09, H10 for a binary protocol.
    @Test func `what follows the handshake in one chunk is of the protocol it agreed on`() {
        let chunk =
            Array("{\"protocol\":\"messagepack\",\"version\":1}\u{1E}".utf8) + [2, 0x91, 6, 1]
        var framer = MessageFramer(recordByteCountMax: 64)
        var offset = 0
        let handshake = chunk.withUnsafeBytes { buffer in
            framer.next(in: buffer, from: &offset) { $0.count }
        }
        guard case .record(38) = handshake else {
            Issue.record("\(handshake)")
            return
        }

        framer.agreed(on: .messagePack)
        #expect(records(&framer, Array(chunk[offset...])) == ["9106"])
        #expect(records(&framer, [0xC0]) == ["C0"])
    }

    // MARK: Doing it

    private func makeFramer(limit: Int? = 4096) -> MessageFramer {
        var framer = MessageFramer(recordByteCountMax: limit)
        framer.agreed(on: .messagePack)
        return framer
    }

    private func read(_ bytes: [UInt8]) -> LengthPrefix.Reading {
        var word: UInt64 = 0
        for (index, byte) in bytes.prefix(8).enumerated() {
            word |= UInt64(byte) << UInt64(8 * index)
        }
        return LengthPrefix.read(word, byteCount: bytes.count)
    }

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        RawMessagePack(checked: Array(bytes)[...]).description
    }

    private func records(_ framer: inout MessageFramer, _ chunk: [UInt8]) -> [String] {
        var seen: [String] = []
        var offset = 0
        while true {
            let outcome = chunk.withUnsafeBytes { buffer in
                framer.next(in: buffer, from: &offset) { hex($0) }
            }
            switch outcome {
            case .record(let text): seen.append(text)
            case .incomplete: return seen
            case .tooLong: return seen + ["too long"]
            case .malformed: return seen + ["malformed"]
            }
        }
    }
}
