import Testing

@testable import Services

/// The bytes were worked out by hand from the encoding's description.
@Suite struct ProtobufWriterTests {
    private func written(_ write: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        write(&writer)
        return writer.bytes
    }

    @Test func `a number takes seven bits to the byte, the lowest first`() {
        #expect(written { $0.varint(1, 1) } == [0x08, 0x01])
        #expect(written { $0.varint(1, 127) } == [0x08, 0x7F])
        #expect(written { $0.varint(1, 128) } == [0x08, 0x80, 0x01])
        #expect(written { $0.varint(1, 150) } == [0x08, 0x96, 0x01])
        #expect(
            written { $0.varint(1, .max) }
                == [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
    }

    @Test func `a field number from sixteen on takes two bytes`() {
        #expect(written { $0.varint(15, 1) } == [0x78, 0x01])
        #expect(written { $0.fixed32(16, 1) } == [0x85, 0x01, 0x01, 0x00, 0x00, 0x00])
    }

    @Test func `fixed numbers are little-endian, identifiers are bytes in their order`() {
        #expect(
            written { $0.fixed64(7, 0x0102_0304_0506_0708) }
                == [0x39, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01])
        #expect(
            written { $0.words(2, 0x0102_0304_0506_0708) }
                == [0x12, 0x08, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08])
    }

    @Test func `what a reader takes for granted is left out, a member of a oneof never`() {
        #expect(written { $0.varint(1, 0) } == [])
        #expect(written { $0.string(1, "") } == [])
        #expect(written { $0.present(2, varint: 0) } == [0x10, 0x00])
        #expect(written { $0.present(1, string: "") } == [0x0A, 0x00])
    }

    @Test func `a text is its length in bytes and its UTF-8`() {
        #expect(written { $0.string(2, "testing") } == [0x12, 0x07] + Array("testing".utf8))
        #expect(written { $0.string(5, "é") } == [0x2A, 0x02, 0xC3, 0xA9])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 16_380, 16_381, 16_382])
    func `a message of any length has that length in front`(textByteCount: Int) {
        let text = String(repeating: "a", count: textByteCount)
        let inner = written { $0.present(1, string: text) }
        let bytes = written { $0.message(3) { $0.present(1, string: text) } }

        var length: [UInt8] = []
        var rest = inner.count
        repeat {
            length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        #expect(bytes == [0x1A] + length + inner)
    }
}
