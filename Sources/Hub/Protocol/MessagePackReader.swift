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

/// What is wrong with MessagePack bytes, and at which byte.
public struct MessagePackError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        case unexpectedEnd
        case expected(MessagePackKind, found: MessagePackKind)
        /// 0xC1, which the format never uses.
        case neverUsed
        case integerOutOfRange
        case invalidUTF8
        case tooDeep
        case trailingBytes
    }

    /// Bytes before the offending value.
    public let offset: Int
    public let reason: Reason

    public var description: String {
        let what =
            switch reason {
            case .unexpectedEnd: "the bytes end too early"
            case .expected(let kind, let found): "expected \(kind), found \(found)"
            case .neverUsed: "0xC1 is no value"
            case .integerOutOfRange: "not an integer of 64 bits with a sign"
            case .invalidUTF8: "invalid UTF-8"
            case .tooDeep: "nested too deeply"
            case .trailingBytes: "bytes after the end of the value"
            }
        return "byte \(offset): \(what)"
    }
}

/// The kinds of MessagePack values, told apart by their first byte.
public enum MessagePackKind: Equatable, Sendable {
    case `nil`, bool, integer, float, string, binary, array, map, `extension`
}

/// A cursor over MessagePack bytes. The memory belongs to the caller and must outlive the reader.
public struct MessagePackReader {
    /// As deep as our JSON.
    public static let depthMaxDefault = 64

    private let bytes: UnsafeRawBufferPointer
    private let depthMax: Int
    /// The next byte to look at.
    public private(set) var offset = 0

    /// - Parameter depthMax: arrays and maps that `skip` may find open at one time, 1...64.
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
        switch bytes[offset] {
        case 0x00...0x7F, 0xE0...0xFF, 0xCC...0xD3: return .integer
        case 0x80...0x8F, 0xDE, 0xDF: return .map
        case 0x90...0x9F, 0xDC, 0xDD: return .array
        case 0xA0...0xBF, 0xD9...0xDB: return .string
        case 0xC0: return .nil
        case 0xC2, 0xC3: return .bool
        case 0xC4...0xC6: return .binary
        case 0xCA, 0xCB: return .float
        case 0xC7...0xC9, 0xD4...0xD8: return .extension
        default: throw error(.neverUsed)
        }
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
        try expect(.integer)
        let start = offset
        let first = bytes[offset]
        switch first {
        case 0x00...0x7F, 0xE0...0xFF:
            offset += 1
            return Int64(Int8(bitPattern: first))
        case 0xCC...0xCF:
            let value = try bigEndian(byteCount: 1 << Int(first - 0xCC), after: 1)
            guard let signed = Int64(exactly: value) else {
                offset = start
                throw error(.integerOutOfRange)
            }
            return signed
        default:
            let byteCount = 1 << Int(first - 0xD0)
            let value = try bigEndian(byteCount: byteCount, after: 1)
            // The sign stands in the highest bit that was read; shifting there and back spreads it.
            let unused = 64 - 8 * byteCount
            return Int64(bitPattern: value << UInt64(unused)) >> Int64(unused)
        }
    }

    /// A float of either width, or an integer, which some writers choose for whole numbers.
    public mutating func double() throws(MessagePackError) -> Double {
        if try peekKind() == .integer { return Double(try integer()) }
        try expect(.float)
        if bytes[offset] == 0xCA {
            return Double(Float(bitPattern: UInt32(try bigEndian(byteCount: 4, after: 1))))
        }
        return Double(bitPattern: try bigEndian(byteCount: 8, after: 1))
    }

    /// A string of any width; the result lies in the caller's memory and is valid UTF-8.
    public mutating func string() throws(MessagePackError) -> String {
        let start = offset
        let content = try payload(of: .string)
        guard let text = String(validating: content, as: UTF8.self) else {
            offset = start
            throw error(.invalidUTF8)
        }
        return text
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
        try expect(.array)
        let first = bytes[offset]
        return try containerHeader(
            fixedCount: first <= 0x9F ? Int(first & 0x0F) : nil, isWide: first == 0xDD,
            bytesPerElement: 1)
    }

    /// The number of pairs that follow, key in front of value.
    public mutating func map() throws(MessagePackError) -> Int {
        try expect(.map)
        let first = bytes[offset]
        return try containerHeader(
            fixedCount: first <= 0x8F ? Int(first & 0x0F) : nil, isWide: first == 0xDF,
            bytesPerElement: 2)
    }

    /// Steps over one value of any kind.
    /// - Returns: where it stands, its header included.
    @discardableResult public mutating func skip() throws(MessagePackError) -> Range<Int> {
        let start = offset
        try skip(depth: 0)
        return start..<offset
    }

    private mutating func skip(depth: Int) throws(MessagePackError) {
        let kind = try peekKind()
        switch kind {
        case .nil, .bool: offset += 1
        case .integer, .float: try skipNumber()
        case .string, .binary, .extension: _ = try payload(of: kind)
        case .array, .map:
            if depth == depthMax { throw error(.tooDeep) }
            let count = kind == .array ? try array() : 2 * (try map())
            for _ in 0..<count { try skip(depth: depth + 1) }
        }
    }

    private mutating func skipNumber() throws(MessagePackError) {
        switch bytes[offset] {
        case 0xCA: _ = try bigEndian(byteCount: 4, after: 1)
        case 0xCB, 0xCF: _ = try bigEndian(byteCount: 8, after: 1)
        default: _ = try integer()
        }
    }

    // MARK: Bytes

    private func expect(_ kind: MessagePackKind) throws(MessagePackError) {
        let found = try peekKind()
        if found != kind { throw error(.expected(kind, found: found)) }
    }

    /// Consumes `headerByteCount` bytes and the number behind them.
    private mutating func bigEndian(
        byteCount: Int, after headerByteCount: Int
    ) throws(MessagePackError) -> UInt64 {
        guard bytes.count - offset >= headerByteCount + byteCount else {
            throw error(.unexpectedEnd)
        }
        var value: UInt64 = 0
        for position in 0..<byteCount {
            value = value << 8 | UInt64(bytes[offset + headerByteCount + position])
        }
        offset += headerByteCount + byteCount
        return value
    }

    /// Consumes a string, bytes or an extension.
    private mutating func payload(
        of kind: MessagePackKind
    ) throws(MessagePackError) -> UnsafeRawBufferPointer {
        try expect(kind)
        let start = offset
        let first = bytes[offset]
        var byteCount: Int
        switch first {
        case 0xA0...0xBF:
            byteCount = Int(first & 0x1F)
            offset += 1
        case 0xC4...0xC6:
            byteCount = Int(try bigEndian(byteCount: 1 << Int(first - 0xC4), after: 1))
        // An extension has one byte more, which names its type.
        case 0xC7...0xC9:
            byteCount = 1 + Int(try bigEndian(byteCount: 1 << Int(first - 0xC7), after: 1))
        case 0xD4...0xD8:
            byteCount = 1 + 1 << Int(first - 0xD4)
            offset += 1
        default: byteCount = Int(try bigEndian(byteCount: 1 << Int(first - 0xD9), after: 1))
        }
        guard byteCount <= bytes.count - offset else {
            offset = start
            throw error(.unexpectedEnd)
        }
        defer { offset += byteCount }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + byteCount])
    }

    private mutating func containerHeader(
        fixedCount: Int?, isWide: Bool, bytesPerElement: Int
    ) throws(MessagePackError) -> Int {
        let start = offset
        let count: Int
        if let fixedCount {
            count = fixedCount
            offset += 1
        } else {
            count = Int(try bigEndian(byteCount: isWide ? 4 : 2, after: 1))
        }
        // Every element has a byte at least.
        guard count * bytesPerElement <= bytes.count - offset else {
            offset = start
            throw error(.unexpectedEnd)
        }
        return count
    }

    private func error(_ reason: MessagePackError.Reason) -> MessagePackError {
        MessagePackError(offset: offset, reason: reason)
    }
}
