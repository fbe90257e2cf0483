// HTTPSyntax: the byte classes of HTTP's grammar, and comparisons that need no string.
//
// Thread: pure functions.  Allocates: never.  Source: RFC 9110 §5.5, §5.6; RFC 3986 §2, §3.

/// Where something stands in a buffer. Half the size of a `Range<Int>`; a head never reaches 4 GiB.
public struct ByteRange: Equatable, Sendable {
    public let start: UInt32
    public let count: UInt32

    init(_ start: Int, _ end: Int) {
        assert(start <= end)
        self.start = UInt32(start)
        self.count = UInt32(end - start)
    }

    static var empty: ByteRange { ByteRange(0, 0) }

    var isEmpty: Bool { count == 0 }
    var end: Int { Int(start) + Int(count) }
    var indices: Range<Int> { Int(start)..<end }
}

extension UInt8 {
    static var tab: UInt8 { 0x09 }
    static var lineFeed: UInt8 { 0x0A }
    static var carriageReturn: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var percent: UInt8 { 0x25 }
    static var asterisk: UInt8 { 0x2A }
    static var comma: UInt8 { 0x2C }
    static var slash: UInt8 { 0x2F }
    static var colon: UInt8 { 0x3A }
    static var semicolon: UInt8 { 0x3B }
    static var questionMark: UInt8 { 0x3F }

    /// OWS is made of these two and nothing else (RFC 9110 §5.6.3).
    var isBlank: Bool { self == .space || self == .tab }
    var isDigit: Bool { self &- 0x30 < 10 }
    var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

    /// CTL of the grammar without TAB: what no line of a head may contain.
    var isForbiddenControl: Bool { (self < 0x20 && self != .tab) || self == 0x7F }

    /// `tchar` (RFC 9110 §5.6.2).
    var isTokenByte: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: return true
        default: return false
        }
    }

    /// What may stand in a path or query: visible ASCII without `"`, `#`, `<`, `>` and `\`.
    /// Wider than RFC 3986 by `[ ] ^ { | }` and the back quote, which browsers send as they are.
    var isTargetByte: Bool {
        switch self {
        case 0x22, 0x23, 0x3C, 0x3E, 0x5C: false
        default: self > 0x20 && self < 0x7F
        }
    }

    /// `unreserved` and `sub-delims` without the comma: a comma in a Host is two hosts that
    /// somebody has joined.
    var isHostByte: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case 0x21, 0x24, 0x26...0x2B, 0x2D, 0x2E, 0x3B, 0x3D, 0x5F, 0x7E: return true
        default: return false
        }
    }

    /// 0...15, or nil.
    var hexDigitValue: UInt8? {
        if isDigit { return self &- 0x30 }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    /// ASCII letters folded to lower case, everything else unchanged.
    var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

extension StaticString {
    /// Whether the bytes of `range` are exactly this text.
    func equals(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) -> Bool {
        guard utf8CodeUnitCount == Int(range.count) else { return false }
        for offset in 0..<utf8CodeUnitCount
        where utf8Start[offset] != bytes[Int(range.start) + offset] { return false }
        return true
    }

    /// The same for a text in lower case, with ASCII case ignored in the bytes.
    func equalsIgnoringCase(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) -> Bool {
        guard utf8CodeUnitCount == Int(range.count) else { return false }
        for offset in 0..<utf8CodeUnitCount
        where utf8Start[offset] != bytes[Int(range.start) + offset].lowercased { return false }
        return true
    }
}

extension Span<UInt8> {
    /// `range` without blanks at either end.
    func trimmingBlanks(_ range: ByteRange) -> ByteRange {
        var start = Int(range.start)
        var end = range.end
        while start < end && self[start].isBlank { start += 1 }
        while end > start && self[end - 1].isBlank { end -= 1 }
        return ByteRange(start, end)
    }

    /// The element of a comma-separated list that starts at `start`, blanks trimmed, and where the
    /// next one starts. Empty elements are returned too: only the caller knows whether they matter.
    func listElement(at start: Int, end: Int) -> (element: ByteRange, next: Int) {
        var stop = start
        while stop < end && self[stop] != .comma { stop += 1 }
        return (trimmingBlanks(ByteRange(start, stop)), stop + 1)
    }

    /// Whether every byte is a token byte and there is at least one.
    func isToken(_ range: ByteRange) -> Bool {
        if range.isEmpty { return false }
        for index in range.indices where !self[index].isTokenByte { return false }
        return true
    }
}

extension UnsafeRawBufferPointer {
    /// The same memory as bytes; `octets.span` is what the parsers take, which checks every index.
    var octets: UnsafeBufferPointer<UInt8> { assumingMemoryBound(to: UInt8.self) }
}
