// ProtobufWriter: appends protocol buffer fields to an array of bytes.
//
//   field ─▶ [number << 3 | wire type] [value]        0 varint   1 fixed64   2 length + bytes   5 fixed32
//
// A nested message is written in place behind a gap for its length, which is as wide as the length
// needs when the message is done.
//
// Thread: a pure value.  Allocates: when `bytes` grows.
// Source: protobuf.dev, "Encoding".

struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    init(reservingCapacity capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Not written if zero, which is what a reader takes an absent field for.
    mutating func varint(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, wireType: 0)
        append(varint: value)
    }

    mutating func fixed64(_ field: Int, _ value: UInt64) {
        tag(field, wireType: 1)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func fixed32(_ field: Int, _ value: UInt32) {
        tag(field, wireType: 5)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Not written if empty.
    mutating func string(_ field: Int, _ text: String) {
        guard !text.isEmpty else { return }
        tag(field, wireType: 2)
        append(varint: UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Big-endian words as a byte string: how identifiers are written.
    mutating func words(_ field: Int, _ words: UInt64...) {
        tag(field, wireType: 2)
        append(varint: UInt64(words.count * 8))
        for word in words {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
    }

    mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        tag(field, wireType: 2)
        let start = bytes.count
        // One byte is enough for most; a longer message moves once.
        bytes.append(0)
        body(&self)
        let byteCount = bytes.count - start - 1
        if byteCount < 0x80 {
            bytes[start] = UInt8(byteCount)
        } else {
            var length = ProtobufWriter()
            length.append(varint: UInt64(byteCount))
            bytes.replaceSubrange(start...start, with: length.bytes)
        }
    }

    /// One member of a `oneof`: written whatever its value, because being there is its meaning.
    mutating func present(_ field: Int, varint value: UInt64) {
        tag(field, wireType: 0)
        append(varint: value)
    }

    mutating func present(_ field: Int, string text: String) {
        tag(field, wireType: 2)
        append(varint: UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func tag(_ field: Int, wireType: Int) {
        append(varint: UInt64(field << 3 | wireType))
    }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
