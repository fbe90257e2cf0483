// UTF8Validator: says of a text that arrives in pieces, as early as possible, that it is not UTF-8.
//
//   lead byte    continuation bytes: first     further       what the narrow first range keeps out
//   00…7F        -
//   C2…DF        80…BF                                       (C0, C1: overlong forms of ASCII)
//   E0           A0…BF                         80…BF         overlong forms
//   E1…EC EE EF  80…BF                         80…BF
//   ED           80…9F                         80…BF         surrogates D800…DFFF
//   F0           90…BF                         80…BF × 2     overlong forms
//   F1…F3        80…BF                         80…BF × 2
//   F4           80…8F                         80…BF × 2     above 10FFFF
//   all others   -                                           never valid
//
// Only a first continuation byte has a range of its own, so the whole state is: how many bytes are
// missing, and the range of the next one.
//
// Thread: a pure value.  Allocates: never.  Source: The Unicode Standard, table 3-7; RFC 3629 §4.

package struct UTF8Validator: Equatable, Sendable {
    private var missingByteCount: UInt8 = 0
    private var nextLow: UInt8 = 0x80
    private var nextHigh: UInt8 = 0xBF

    /// The text so far does not end inside a character.
    var isBetweenCharacters: Bool { missingByteCount == 0 }

    /// A whole text at once.
    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var validator = UTF8Validator()
        return validator.append(bytes) && validator.isBetweenCharacters
    }

    /// Takes the next piece.
    ///
    /// - Returns: false as soon as no continuation could make the text valid; the validator is of
    ///   no use afterwards.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        var offset = 0
        while offset < bytes.count {
            if missingByteCount == 0 {
                offset = Self.endOfASCII(base, from: offset, to: bytes.count)
                guard offset < bytes.count else { return true }
                guard beginCharacter(base.load(fromByteOffset: offset, as: UInt8.self)) else {
                    return false
                }
            } else {
                let byte = base.load(fromByteOffset: offset, as: UInt8.self)
                guard byte >= nextLow, byte <= nextHigh else { return false }
                missingByteCount -= 1
                (nextLow, nextHigh) = (0x80, 0xBF)
            }
            offset += 1
        }
        return true
    }

    /// The first offset that is not ASCII; eight bytes a step, as most text of a hub is ASCII.
    private static func endOfASCII(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
        var offset = start
        while offset &+ 8 <= end {
            let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { break }
            offset &+= 8
        }
        while offset < end, base.load(fromByteOffset: offset, as: UInt8.self) < 0x80 {
            offset &+= 1
        }
        return offset
    }

    /// False if no character begins with `lead`, which is not ASCII.
    private mutating func beginCharacter(_ lead: UInt8) -> Bool {
        switch lead {
        case 0xC2...0xDF: missingByteCount = 1
        case 0xE0...0xEF: missingByteCount = 2
        case 0xF0...0xF4: missingByteCount = 3
        default: return false
        }
        switch lead {
        case 0xE0: nextLow = 0xA0
        case 0xED: nextHigh = 0x9F
        case 0xF0: nextLow = 0x90
        case 0xF4: nextHigh = 0x8F
        default: break
        }
        return true
    }
}
