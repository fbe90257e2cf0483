// DER: the few ASN.1 values that keys and signatures are wrapped in for OpenSSL.
//
//   ┌─────┬────────┬─────────┐
//   │ tag │ length │ content │      length: one byte below 128, else 0x80 + n and n bytes
//   └─────┴────────┴─────────┘
//
// Thread: pure functions.  Allocates: the result.  Source: ITU-T X.690 §8, §10.

enum DER {
    static func sequence(_ content: [UInt8]...) -> [UInt8] {
        value(tag: 0x30, content.flatMap { $0 })
    }

    /// A whole number of bytes.
    static func bitString(_ content: [UInt8]) -> [UInt8] { value(tag: 0x03, [0] + content) }

    /// A number that is not negative, from its bytes, most significant first.
    static func integer(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        // A first bit that is set would make it negative.
        let isPadded = digits.first.map { $0 >= 0x80 } ?? true
        return value(tag: 0x02, (isPadded ? [0] : []) + digits)
    }

    private static func value(tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 0x80 {
            length = [UInt8(content.count)]
        } else {
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }
}
