// Base64: bytes as JSON has them, in the common alphabet and with padding.
//
//   01 02 03 ─▶ AQID      01 02 ─▶ AQI=      01 ─▶ AQ==
//
// Thread: pure functions.  Allocates: the result.  Source: RFC 4648 §4.

enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each byte in the alphabet; 255 for every other one.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    private static let padding = UInt8(ascii: "=")

    static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
        text.reserveCapacity(text.count + (bytes.count + 2) / 3 * 4)
        let alphabet = alphabet
        func letter(_ bits: UInt32) -> UInt8 { alphabet[Int(bits & 63)] }
        var index = 0
        while index + 3 <= bytes.count {
            let bits =
                UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8
                | UInt32(bytes[index + 2])
            text.append(letter(bits >> 18))
            text.append(letter(bits >> 12))
            text.append(letter(bits >> 6))
            text.append(letter(bits))
            index += 3
        }
        guard index < bytes.count else { return }
        let hasTwo = index + 1 < bytes.count
        let bits = UInt32(bytes[index]) << 16 | (hasTwo ? UInt32(bytes[index + 1]) << 8 : 0)
        text.append(letter(bits >> 18))
        text.append(letter(bits >> 12))
        text.append(hasTwo ? letter(bits >> 6) : padding)
        text.append(padding)
    }

    /// Nil for a text with other bytes, without its padding, or with bits that say nothing and are
    /// not zero.
    static func decode(_ text: String) -> [UInt8]? {
        var copy = text
        return copy.withUTF8 { decode($0) }
    }

    private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var letterCount = text.count
        while letterCount > text.count - 2, letterCount > 0, text[letterCount - 1] == padding {
            letterCount -= 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letterCount * 3 / 4)
        let values = values
        var (bits, bitCount): (UInt32, UInt32) = (0, 0)
        for index in 0..<letterCount {
            let value = values[Int(text[index])]
            if value == 255 { return nil }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
            }
        }
        return bits & (1 << bitCount - 1) == 0 ? bytes : nil
    }
}
