// MessagePackReader: pulls values out of MessagePack bytes without building a tree and without
// copying.
//
//   00–7F int    80–8F map    90–9F array   A0–BF str    C0 nil   C1 never used   C2, C3 bool
//   C4–C6 bin    C7–C9 ext    CA, CB float  CC–CF uint   D0–D3 int   D4–D8 fixext
//   D9–DB str    DC, DD array   DE, DF map   E0–FF negative int       lengths are big-endian
//
// A length that the bytes left cannot hold is refused when its header is read, so nobody can make the
// caller reserve memory for what never comes.
//
// Thread: a pure value, any thread.  Allocates: only where a String is asked for.
// Source: MessagePack specification, "Formats" (github.com/msgpack/msgpack/blob/master/spec.md).

import WS

/// A cursor over MessagePack bytes. The memory belongs to the caller and must outlive the reader.
public struct MessagePackReader {
    /// As deep as our JSON.
    public static let depthMaxDefault = 64

    let bytes: UnsafeRawBufferPointer
    let depthMax: Int
    /// The next byte to look at.
    public internal(set) var offset = 0

    /// - Parameter depthMax: arrays and maps that may be open at one time, 1...64.
    public init(_ bytes: UnsafeRawBufferPointer, depthMax: Int = depthMaxDefault) {
        // `skip` calls itself, so the limit is one of the stack too.
        precondition((1...64).contains(depthMax))
        self.bytes = bytes
        self.depthMax = depthMax
    }

    public var isAtEnd: Bool { offset == bytes.count }

    /// Checks that nothing is left.
    public func end() throws(MessagePackError) {
        if !isAtEnd { throw error(.trailingBytes) }
    }

    /// The kind of the value that comes next.
    public func peekKind() throws(MessagePackError) -> MessagePackKind {
        guard offset < bytes.count else { throw error(.unexpectedEnd) }
        guard let kind = MessagePackKind(first: bytes[offset]) else { throw error(.neverUsed) }
        return kind
    }

    // MARK: Scalars

    /// Consumes a nil if one comes next.
    public mutating func skipNil() throws(MessagePackError) -> Bool {
        guard try peekKind() == .nil else { return false }
        offset += 1
        return true
    }

    public mutating func bool() throws(MessagePackError) -> Bool {
        try expect(.bool)
        offset += 1
        return bytes[offset - 1] == 0xC3
    }

    /// An integer of any width; what does not fit 64 bits with a sign is an error.
    public mutating func integer() throws(MessagePackError) -> Int64 {
        let start = offset
        if let value = fixed(0x00...0x7F) { return Int64(value) }
        switch try number() {
        case .integer(let value): return value
        default:
            offset = start
            throw error(.integerOutOfRange)
        }
    }

    /// A float of either width, or an integer, which some writers choose for whole numbers.
    public mutating func double() throws(MessagePackError) -> Double {
        if try peekKind() == .integer {
            switch try number() {
            case .integer(let value): return Double(value)
            case .unsigned(let value): return Double(value)
            }
        }
        try expect(.float)
        if bytes[offset] == 0xCA {
            return Double(Float(bitPattern: UInt32(try bigEndian(byteCount: 4, after: 1))))
        }
        return Double(bitPattern: try bigEndian(byteCount: 8, after: 1))
    }

    enum Number {
        case integer(Int64)
        /// Above `Int64.max`.
        case unsigned(UInt64)
    }

    /// An integer of any width.
    mutating func number() throws(MessagePackError) -> Number {
        try expect(.integer)
        let first = bytes[offset]
        switch first {
        case 0x00...0x7F, 0xE0...0xFF:
            offset += 1
            return .integer(Int64(Int8(bitPattern: first)))
        case 0xCC...0xCF:
            let value = try bigEndian(byteCount: 1 << Int(first - 0xCC), after: 1)
            return Int64(exactly: value).map { .integer($0) } ?? .unsigned(value)
        default:
            let byteCount = 1 << Int(first - 0xD0)
            let value = try bigEndian(byteCount: byteCount, after: 1)
            // The sign stands in the highest bit that was read; shifting there and back spreads it.
            let unused = 64 - 8 * byteCount
            return .integer(Int64(bitPattern: value << UInt64(unused)) >> Int64(unused))
        }
    }

    /// A string of any width.
    public mutating func string() throws(MessagePackError) -> String {
        String(decoding: try text(), as: UTF8.self)
    }

    /// The same as UTF-8, checked, in the caller's memory.
    mutating func text() throws(MessagePackError) -> UnsafeRawBufferPointer {
        let start = offset
        let content: UnsafeRawBufferPointer
        if let byteCount = fixed(0xA0...0xBF) {
            content = try payload(byteCount: byteCount, from: start)
        } else {
            content = try payload(of: .string)
        }
        // Names are short and ASCII.
        if content.count < 8, content.allSatisfy({ $0 < 0x80 }) { return content }
        if !UTF8Validator.isValid(content) {
            offset = start
            throw error(.invalidUTF8)
        }
        return content
    }

    /// Bytes of any width, in the caller's memory. A string is taken as well: writers of the
    /// format's first version have no other kind for bytes.
    public mutating func binary() throws(MessagePackError) -> UnsafeRawBufferPointer {
        let kind = try peekKind()
        return try payload(of: kind == .string ? .string : .binary)
    }

    // MARK: Containers

    /// The number of items that follow.
    public mutating func array() throws(MessagePackError) -> Int {
        let start = offset
        if let count = fixed(0x90...0x9F) { return try container(byteCountMin: count, start) }
        try expect(.array)
        let width = bytes[offset] == 0xDD ? 4 : 2
        let count = Int(try bigEndian(byteCount: width, after: 1))
        return try container(byteCountMin: count, start)
    }

    /// The number of pairs that follow, key in front of value.
    public mutating func map() throws(MessagePackError) -> Int {
        let start = offset
        if let count = fixed(0x80...0x8F) {
            return try container(byteCountMin: 2 * count, start) / 2
        }
        try expect(.map)
        let width = bytes[offset] == 0xDF ? 4 : 2
        let count = Int(try bigEndian(byteCount: width, after: 1))
        return try container(byteCountMin: 2 * count, start) / 2
    }

    /// Steps over one value of any kind; its strings are checked to be UTF-8.
    ///
    /// - Parameter depth: arrays and maps that are open around it.
    /// - Returns: where it stands, its header included.
    @discardableResult
    public mutating func skip(depth: Int = 0) throws(MessagePackError) -> Range<Int> {
        let start = offset
        guard offset < bytes.count else { throw error(.unexpectedEnd) }
        // By the byte and not by the kind: every argument of every call comes through here.
        let first = bytes[offset]
        switch first {
        case 0x00...0x7F, 0xE0...0xFF, 0xC0, 0xC2, 0xC3: offset += 1
        case 0xA0...0xBF, 0xD9...0xDB: _ = try text()
        case 0xCA: _ = try bigEndian(byteCount: 4, after: 1)
        case 0xCB: _ = try bigEndian(byteCount: 8, after: 1)
        case 0xCC...0xD3: _ = try bigEndian(byteCount: 1 << Int(first & 3), after: 1)
        case 0xC4...0xC6: _ = try payload(of: .binary)
        case 0xC7...0xC9, 0xD4...0xD8: _ = try payload(of: .extension)
        case 0x80...0x8F, 0xDE, 0xDF: try skipItems(count: 2 * (try map()), start, depth)
        case 0x90...0x9F, 0xDC, 0xDD: try skipItems(count: try array(), start, depth)
        default: throw error(.neverUsed)
        }
        return start..<offset
    }

    private mutating func skipItems(
        count: Int, _ start: Int, _ depth: Int
    ) throws(MessagePackError) {
        if depth >= depthMax { throw MessagePackError(offset: start, reason: .tooDeep) }
        for _ in 0..<count { try skip(depth: depth + 1) }
    }
}

// MARK: Bytes

extension MessagePackReader {
    /// What stands in the low bits of a first byte of this range, which is then consumed: the small
    /// numbers and lengths that most values have.
    private mutating func fixed(_ range: ClosedRange<UInt8>) -> Int? {
        guard offset < bytes.count, range.contains(bytes[offset]) else { return nil }
        offset += 1
        return Int(bytes[offset - 1] - range.lowerBound)
    }

    private func expect(_ kind: MessagePackKind) throws(MessagePackError) {
        let found = try peekKind()
        if found != kind { throw error(.expected(kind, found: found)) }
    }

    /// Consumes `headerByteCount` bytes and the number behind them: 1, 2, 4 or 8 bytes.
    mutating func bigEndian(
        byteCount: Int, after headerByteCount: Int
    ) throws(MessagePackError) -> UInt64 {
        guard bytes.count - offset >= headerByteCount + byteCount else {
            throw error(.unexpectedEnd)
        }
        let start = offset + headerByteCount
        offset = start + byteCount
        switch byteCount {
        case 1: return UInt64(bytes[start])
        case 2:
            let value = bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self)
            return UInt64(UInt16(bigEndian: value))
        case 4:
            let value = bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)
            return UInt64(UInt32(bigEndian: value))
        default:
            let value = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
            return UInt64(bigEndian: value)
        }
    }

    /// Consumes a string, bytes or an extension; the latter with the byte of its type in front.
    mutating func payload(
        of kind: MessagePackKind
    ) throws(MessagePackError) -> UnsafeRawBufferPointer {
        try expect(kind)
        let start = offset
        let first = bytes[offset]
        let byteCount: Int
        switch first {
        case 0xA0...0xBF:
            byteCount = Int(first & 0x1F)
            offset += 1
        case 0xC4...0xC6:
            byteCount = Int(try bigEndian(byteCount: 1 << Int(first - 0xC4), after: 1))
        case 0xC7...0xC9:
            byteCount = 1 + Int(try bigEndian(byteCount: 1 << Int(first - 0xC7), after: 1))
        case 0xD4...0xD8:
            byteCount = 1 + 1 << Int(first - 0xD4)
            offset += 1
        default: byteCount = Int(try bigEndian(byteCount: 1 << Int(first - 0xD9), after: 1))
        }
        return try payload(byteCount: byteCount, from: start)
    }

    private mutating func payload(
        byteCount: Int, from start: Int
    ) throws(MessagePackError) -> UnsafeRawBufferPointer {
        guard byteCount <= bytes.count - offset else {
            offset = start
            throw error(.unexpectedEnd)
        }
        defer { offset += byteCount }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + byteCount])
    }

    /// - Parameter byteCountMin: every element has a byte at least.
    private mutating func container(
        byteCountMin: Int, _ start: Int
    ) throws(MessagePackError) -> Int {
        guard byteCountMin <= bytes.count - offset else {
            offset = start
            throw error(.unexpectedEnd)
        }
        return byteCountMin
    }

    func error(_ reason: MessagePackError.Reason) -> MessagePackError {
        MessagePackError(offset: offset, reason: reason)
    }
}
