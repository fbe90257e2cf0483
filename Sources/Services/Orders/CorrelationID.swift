// CorrelationID: the GUID that follows one order from the POST to the push.
//
// Thread: a pure value.  Allocates: only for text.  Source: RFC 9562 §4 (text form), §5.4 (v4).

import Loop

/// A GUID, never the nil one.
public struct CorrelationID: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    /// Nil for the nil GUID, which names nothing.
    public init?(high: UInt64, low: UInt64) {
        if high == 0 && low == 0 { return nil }
        self.high = high
        self.low = low
    }

    /// A new random one (version 4).
    public init(from random: some RandomSource) {
        let (a, b) = random.words128()
        high = a & 0xFFFF_FFFF_FFFF_0FFF | 0x0000_0000_0000_4000
        low = b & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    }

    /// Reads the forms .NET's `Guid.TryParse` takes from users: 32 hex digits, hyphenated
    /// 8-4-4-4-12, either of them in braces or parentheses (hyphenated only), any case, blanks
    /// around it. Nil for anything else and for the nil GUID.
    public init?(parsing text: String) {
        var bytes = Array(text.utf8)
        while let last = bytes.last, last == 0x20 || (9...13).contains(last) { bytes.removeLast() }
        bytes.removeFirst(bytes.prefix { $0 == 0x20 || (9...13).contains($0) }.count)
        if bytes.count == 38 {
            let pair = (bytes[0], bytes[37])
            let isBraced = pair == (UInt8(ascii: "{"), UInt8(ascii: "}"))
            guard isBraced || pair == (UInt8(ascii: "("), UInt8(ascii: ")")) else { return nil }
            bytes = Array(bytes[1..<37])
        }
        if bytes.count == 36 {
            for position in [23, 18, 13, 8] {
                guard bytes[position] == UInt8(ascii: "-") else { return nil }
                bytes.remove(at: position)
            }
        }
        guard bytes.count == 32 else { return nil }
        var words: [UInt64] = [0, 0]
        for (index, byte) in bytes.enumerated() {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(digit)
        }
        self.init(high: words[0], low: words[1])
    }

    /// Lower case with hyphens, as keys, events and answers carry it.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 36) { out in
            var position = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    out[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = index < 16 ? high : low
                let nibble = word >> UInt64(60 - 4 * (index & 15)) & 0xF
                out[position] = digits[Int(nibble)]
                position += 1
            }
            return position
        }
    }
}
