// JSONString: a string inside JSON text, found and checked but not decoded.
//
//   " c a f \ u 0 0 e 9 "
//     └──── range ────┘     hasEscapes tells whether the bytes are already the text
//
// Thread: a pure value, any thread.  Allocates: `text(of:)` only.
// Source: RFC 8259 §7; UTF-8 by RFC 3629 §4 and Unicode 15, table 3-7.

import Glibc

/// Where a string stands between its quotes, in the scanner that gave it.
public struct JSONString: Equatable, Sendable {
    public let range: Range<Int>
    public let hasEscapes: Bool
}

extension JSONScanner {
    /// The string's text with its escapes replaced.
    public func text(of string: JSONString) -> String {
        if !string.hasEscapes {
            return String(
                decoding: UnsafeBufferPointer(rebasing: bytes[string.range]), as: UTF8.self)
        }
        return String(decoding: unescaped(string), as: UTF8.self)
    }

    /// Whether the string's text is exactly `text`; without escapes nothing is allocated.
    public func matches(_ string: JSONString, _ text: StaticString) -> Bool {
        let other = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        if string.hasEscapes { return unescaped(string).elementsEqual(other) }
        guard string.range.count == other.count, let base = bytes.baseAddress else { return false }
        return memcmp(base + string.range.lowerBound, text.utf8Start, other.count) == 0
    }

    /// Steps over a string whose opening quote is the next byte; checks escapes and UTF-8.
    mutating func scanString() throws(JSONError) -> JSONString {
        offset += 1
        let start = offset
        var hasEscapes = false
        while true {
            offset = JSONText.endOfPlainASCII(UnsafeRawBufferPointer(bytes), from: offset)
            guard offset < bytes.count else { break }
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                let string = JSONString(range: start..<offset, hasEscapes: hasEscapes)
                offset += 1
                return string
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape()
            case 0..<0x20:
                throw JSONError(offset: offset, reason: .controlCharacterInString)
            default: try skipMultibyteScalar()
            }
        }
        throw JSONError(offset: offset, reason: .unexpectedEnd)
    }

    private mutating func skipEscape() throws(JSONError) {
        let start = offset
        guard offset + 1 < bytes.count else {
            throw JSONError(offset: bytes.count, reason: .unexpectedEnd)
        }
        guard bytes[offset + 1] == UInt8(ascii: "u") else {
            guard Self.escaped(bytes[offset + 1]) != nil else {
                throw JSONError(offset: start, reason: .invalidEscape)
            }
            offset += 2
            return
        }
        let unit = try codeUnit(at: offset)
        offset += 6
        if unit & 0xF800 != 0xD800 { return }
        // A surrogate: only a high one directly followed by an escaped low one is text.
        let isFollowed =
            unit < 0xDC00 && offset + 1 < bytes.count
            && bytes[offset] == UInt8(ascii: "\\") && bytes[offset + 1] == UInt8(ascii: "u")
        guard isFollowed, try codeUnit(at: offset) & 0xFC00 == 0xDC00 else {
            throw JSONError(offset: start, reason: .unpairedSurrogate)
        }
        offset += 6
    }

    /// The four hex digits of the `\u` escape at `position`.
    private func codeUnit(at position: Int) throws(JSONError) -> UInt32 {
        guard position + 6 <= bytes.count else {
            throw JSONError(offset: bytes.count, reason: .unexpectedEnd)
        }
        var unit: UInt32 = 0
        for index in position + 2..<position + 6 {
            guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
                throw JSONError(offset: index, reason: .invalidEscape)
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// What the byte after a backslash stands for, `u` excepted.
    private static func escaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// Only the sequences of Unicode's table 3-7: none overlong, no surrogates, none past U+10FFFF.
    private mutating func skipMultibyteScalar() throws(JSONError) {
        let (count, second): (Int, ClosedRange<UInt8>) =
            switch bytes[offset] {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xE1...0xEC, 0xEE...0xEF: (3, 0x80...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: throw JSONError(offset: offset, reason: .invalidUTF8)
            }
        guard offset + count <= bytes.count else {
            throw JSONError(offset: bytes.count, reason: .unexpectedEnd)
        }
        guard second.contains(bytes[offset + 1]) else {
            throw JSONError(offset: offset, reason: .invalidUTF8)
        }
        for index in 2..<max(2, count) where bytes[offset + index] & 0xC0 != 0x80 {
            throw JSONError(offset: offset, reason: .invalidUTF8)
        }
        offset += count
    }

    /// The text as UTF-8; the string has been checked by `scanString`.
    private func unescaped(_ string: JSONString) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(string.range.count)
        var index = string.range.lowerBound
        while index < string.range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                text.append(bytes[index])
                index += 1
                continue
            }
            if let byte = Self.escaped(bytes[index + 1]) {
                text.append(byte)
                index += 2
                continue
            }
            var scalar = checkedCodeUnit(at: index)
            index += 6
            if scalar & 0xFC00 == 0xD800 {
                let low = checkedCodeUnit(at: index)
                scalar = 0x10000 + (scalar & 0x3FF) << 10 + (low & 0x3FF)
                index += 6
            }
            text.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        }
        return text
    }

    private func checkedCodeUnit(at position: Int) -> UInt32 {
        // `scanString` has read these four digits; failing here would be our bug.
        guard let unit = try? codeUnit(at: position) else { fatalError("unchecked escape") }
        return unit
    }
}
