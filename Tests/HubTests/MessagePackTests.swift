import Testing

@testable import Hub

/// The MessagePack specification, "Formats", from both sides.
@Suite("MessagePack") struct MessagePackTests {
    @Test(
        arguments: [
            (0, [0x00]), (127, [0x7F]), (128, [0xCC, 0x80]), (255, [0xCC, 0xFF]),
            (256, [0xCD, 0x01, 0x00]), (65_535, [0xCD, 0xFF, 0xFF]),
            (65_536, [0xCE, 0x00, 0x01, 0x00, 0x00]),
            (4_294_967_295, [0xCE, 0xFF, 0xFF, 0xFF, 0xFF]),
            (4_294_967_296, [0xCF, 0, 0, 0, 1, 0, 0, 0, 0]),
            (.max, [0xCF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            (-1, [0xFF]), (-32, [0xE0]), (-33, [0xD0, 0xDF]), (-128, [0xD0, 0x80]),
            (-129, [0xD1, 0xFF, 0x7F]), (-32_768, [0xD1, 0x80, 0x00]),
            (-32_769, [0xD2, 0xFF, 0xFF, 0x7F, 0xFF]),
            (-2_147_483_648, [0xD2, 0x80, 0, 0, 0]),
            (-2_147_483_649, [0xD3, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]),
            (.min, [0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(Int64, [UInt8])])
    func `an integer has its shortest form and comes back`(value: Int64, bytes: [UInt8]) {
        var writer = MessagePackWriter()
        writer.integer(value)
        #expect(writer.bytes == bytes)
        #expect(integer(bytes) == .success(value))
    }

    @Test(
        arguments: [
            [0xCC, 5], [0xCD, 0, 5], [0xCE, 0, 0, 0, 5], [0xCF, 0, 0, 0, 0, 0, 0, 0, 5],
            [0xD0, 5], [0xD1, 0, 5], [0xD2, 0, 0, 0, 5], [0xD3, 0, 0, 0, 0, 0, 0, 0, 5],
        ] as [[UInt8]])
    func `an integer may be wider than it needs`(bytes: [UInt8]) {
        #expect(integer(bytes) == .success(5))
    }

    @Test func `an integer above 63 bits is an error where it stands`() {
        let bytes: [UInt8] = [0xCF, 0x80, 0, 0, 0, 0, 0, 0, 0]
        #expect(
            integer(bytes)
                == .failure(MessagePackError(offset: 0, reason: .integerOutOfRange)))
        #expect(skip(bytes) == .success(0..<9))
    }

    @Test(arguments: [0, 31, 32, 255, 256, 65_535, 65_536])
    func `a string comes back in every width`(byteCount: Int) {
        let text = String(repeating: "x", count: byteCount)
        var writer = MessagePackWriter()
        writer.string(text)
        let header = byteCount < 32 ? 1 : byteCount < 256 ? 2 : byteCount < 65_536 ? 3 : 5
        #expect(writer.bytes.count == header + byteCount)
        #expect(
            string(writer.bytes) == .success(text))
    }

    @Test(arguments: [0, 255, 256, 65_535, 65_536])
    func `bytes come back in every width`(byteCount: Int) {
        let content = [UInt8](repeating: 7, count: byteCount)
        var writer = MessagePackWriter()
        writer.binary(content)
        let header = byteCount < 256 ? 2 : byteCount < 65_536 ? 3 : 5
        #expect(writer.bytes.count == header + byteCount)
        #expect(
            binary(writer.bytes)
                == .success(content))
    }

    @Test(
        arguments: [
            [0xA1, 0x41], [0xD9, 1, 0x41], [0xDA, 0, 1, 0x41], [0xDB, 0, 0, 0, 1, 0x41],
        ]
            as [[UInt8]])
    func `a string of any width is read as a string and as bytes`(bytes: [UInt8]) {
        #expect(string(bytes) == .success("A"))
        #expect(
            binary(bytes)
                == .success([0x41]))
    }

    @Test(arguments: [0, 15, 16, 65_535, 65_536])
    func `containers come back in every width`(count: Int) {
        var writer = MessagePackWriter()
        writer.array(count: count)
        for _ in 0..<count { writer.nil() }
        #expect(
            array(writer.bytes) == .success(count))
        var pairs = MessagePackWriter()
        pairs.map(count: count)
        for _ in 0..<2 * count { pairs.bool(true) }
        #expect(map(pairs.bytes) == .success(count))
    }

    @Test func `scalars of the other kinds come back`() {
        var writer = MessagePackWriter()
        writer.nil()
        writer.bool(false)
        writer.double(-1.5)
        let bytes = writer.bytes + [0xCA, 0x3F, 0x80, 0, 0, 0x07]
        let values = read(bytes) { (r) throws(MessagePackError) -> [Double] in
            [
                try r.skipNil() ? 1 : 0, try r.skipNil() ? 1 : 0, try r.bool() ? 1 : 0,
                try r.double(), try r.double(), try r.double(),
            ]
        }
        #expect(values == .success([1, 0, 0, -1.5, 1, 7]))
    }

    @Test(
        arguments: [
            [0xC7, 1, 5, 0], [0xC8, 0, 1, 5, 0], [0xC9, 0, 0, 0, 1, 5, 0], [0xD4, 5, 0],
            [0xD5, 5, 0, 0], [0xD6, 5, 0, 0, 0, 0], [0xD7, 5] + [UInt8](repeating: 0, count: 8),
            [0xD8, 5] + [UInt8](repeating: 0, count: 16), [0xCA, 0, 0, 0, 0],
            [0xCB, 0, 0, 0, 0, 0, 0, 0, 0], [0xC0], [0xC2], [0x93, 0x01, 0xA1, 0x41, 0x80],
            [0xDE, 0, 1, 0xA0, 0xDC, 0, 1, 0xC4, 0], [0xDF, 0, 0, 0, 0], [0xDD, 0, 0, 0, 0],
        ] as [[UInt8]])
    func `a value of any kind is stepped over, and no prefix of it is one`(bytes: [UInt8]) {
        #expect(
            skip(bytes)
                == .success(0..<bytes.count))
        for count in 0..<bytes.count {
            let prefix = skip(Array(bytes.prefix(count)))
            #expect(throws: MessagePackError.self) { try prefix.get() }
        }
    }

    @Test(
        arguments: [
            [0xDB, 0xFF, 0xFF, 0xFF, 0xFF], [0xC6, 0xFF, 0xFF, 0xFF, 0xFF],
            [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xDF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0xDD, 0, 0, 0, 2, 0xC0],
            [0xDF, 0, 0, 0, 1, 0xC0], [0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ] as [[UInt8]])
    func `a length beyond the end is refused at its header`(bytes: [UInt8]) {
        #expect(
            skip(bytes)
                == .failure(MessagePackError(offset: 0, reason: .unexpectedEnd)))
    }

    @Test func `64 levels pass and 65 do not`() {
        let at = [UInt8](repeating: 0x91, count: 64) + [0xC0]
        let above = [UInt8](repeating: 0x91, count: 65) + [0xC0]
        #expect(skip(at) == .success(0..<65))
        #expect(
            skip(above)
                == .failure(MessagePackError(offset: 64, reason: .tooDeep)))
    }

    @Test func `what is no value, no text or of another kind is named`() {
        #expect(
            skip([0xC1])
                == .failure(MessagePackError(offset: 0, reason: .neverUsed)))
        #expect(
            string([0xA2, 0xC3, 0x28])
                == .failure(MessagePackError(offset: 0, reason: .invalidUTF8)))
        #expect(
            integer([0x90])
                == .failure(
                    MessagePackError(offset: 0, reason: .expected(.integer, found: .array))))
        let rest = read([0x01, 0x02]) { (reader) throws(MessagePackError) -> Int64 in
            let value = try reader.integer()
            try reader.end()
            return value
        }
        #expect(rest == .failure(MessagePackError(offset: 1, reason: .trailingBytes)))
    }

    @Test(arguments: 0..<20)
    func `bytes at random never trap`(seed: Int) {
        var state = UInt64(seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
        for _ in 0..<500 {
            let bytes = (0..<40).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            let consumed = skip(bytes)
            if case .success(let range) = consumed { #expect(range.upperBound <= bytes.count) }
        }
    }

    private func integer(_ bytes: [UInt8]) -> Result<Int64, MessagePackError> {
        read(bytes) { (reader) throws(MessagePackError) -> Int64 in try reader.integer() }
    }

    private func string(_ bytes: [UInt8]) -> Result<String, MessagePackError> {
        read(bytes) { (reader) throws(MessagePackError) -> String in try reader.string() }
    }

    private func binary(_ bytes: [UInt8]) -> Result<[UInt8], MessagePackError> {
        read(bytes) { (reader) throws(MessagePackError) -> [UInt8] in Array(try reader.binary()) }
    }

    private func array(_ bytes: [UInt8]) -> Result<Int, MessagePackError> {
        read(bytes) { (reader) throws(MessagePackError) -> Int in try reader.array() }
    }

    private func map(_ bytes: [UInt8]) -> Result<Int, MessagePackError> {
        read(bytes) { (reader) throws(MessagePackError) -> Int in try reader.map() }
    }

    private func skip(_ bytes: [UInt8]) -> Result<Range<Int>, MessagePackError> {
        read(bytes) { (reader) throws(MessagePackError) -> Range<Int> in try reader.skip() }
    }

    private func read<T>(
        _ bytes: [UInt8], _ body: (inout MessagePackReader) throws(MessagePackError) -> T
    ) -> Result<T, MessagePackError> {
        bytes.withUnsafeBytes { buffer in
            Result { () throws(MessagePackError) in
                var reader = MessagePackReader(buffer)
                return try body(&reader)
            }
        }
    }
}
