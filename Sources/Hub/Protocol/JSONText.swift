// JSONText: finds the bytes that JSON treats specially inside a string, eight bytes a step.
//
//   c a f é   a u   l a i t " …        the quotation mark, the backslash and what is below a space;
//   ────── plain ────────── ▲          while reading, what is not ASCII as well, as it must be checked
//
// Thread: pure functions.  Allocates: never.
// Source: RFC 8259 §7; the tests of a word for a byte are S. E. Anderson's "Bit Twiddling Hacks".

enum JSONText {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first byte from `start` on that must be escaped, or the end of `text`.
    static func endOfPlain(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while text.count - offset >= 8 {
            let word = text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            // What is not ASCII has its high bit set itself and stands for nothing here.
            let marks = special(word) & ~word
            if marks != 0 { return offset + first(marks) }
            offset += 8
        }
        while offset < text.count, !isSpecial(text[offset]) { offset += 1 }
        return offset
    }

    /// The first byte from `start` on that is special or not ASCII, or the end of `text`.
    static func endOfPlainASCII(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while text.count - offset >= 8 {
            let word = text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let marks = (special(word) | word) & highs
            if marks != 0 { return offset + first(marks) }
            offset += 8
        }
        while offset < text.count, text[offset] < 0x80, !isSpecial(text[offset]) { offset += 1 }
        return offset
    }

    /// Bit 7 of each byte that is special; in the bytes above the first such one it may be wrong, and
    /// in those that are not ASCII it says nothing.
    private static func special(_ word: UInt64) -> UInt64 {
        let isControl = word &- ones &* 0x20
        let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        return (isControl | (quotes &- ones) | (backslashes &- ones)) & highs
    }

    /// The index of the first marked byte in the order of the memory (little endian).
    private static func first(_ marks: UInt64) -> Int { marks.trailingZeroBitCount / 8 }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }
}
