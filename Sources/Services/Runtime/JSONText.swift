// JSONText: appends JSON to bytes, member by member; commas take care of themselves.
//
// Thread: a pure value.  Allocates: as the text grows.  Source: RFC 8259 §7 (what must be escaped).

struct JSONText {
    private(set) var bytes: [UInt8] = []
    /// Whether the next value is the first one of its container.
    private var isFirst = true

    init(reservingByteCount count: Int = 256) { bytes.reserveCapacity(count) }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func beginObject() { open("{") }
    mutating func endObject() { close("}") }
    mutating func beginArray() { open("[") }
    mutating func endArray() { close("]") }

    mutating func name(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        isFirst = true
    }

    mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
    }

    mutating func member(_ name: String, _ text: String) {
        self.name(name)
        value(text)
    }

    mutating func member(_ name: String, _ number: some BinaryInteger) {
        self.name(name)
        raw(String(number))
    }

    mutating func member(_ name: String, _ flag: Bool) {
        self.name(name)
        raw(flag ? "true" : "false")
    }

    /// A number that is ready as text: a price with its two decimals.
    mutating func member(_ name: String, number: String) {
        self.name(name)
        raw(number)
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes += text.utf8
    }

    private mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        isFirst = true
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        isFirst = false
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func appendQuoted(_ text: String) {
        let hex = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += "\\n".utf8
            case 0..<0x20: bytes += "\\u00".utf8 + [hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
