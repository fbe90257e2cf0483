// JSONScanner: pulls values out of JSON text without building a tree and without copying.
//
//   {"type":1,"arguments":[7]}
//   ^ beginObject   ^ nextKey … skipValue gives the range of `[7]`, checked but not decoded
//
// Strict RFC 8259: no comments, no trailing commas, no byte order mark, valid UTF-8, paired
// surrogates, at most `depthMax` open arrays and objects. Numbers are never converted unless asked,
// so none loses digits.
//
// Thread: a pure value, any thread.  Allocates: only where a String is asked for.
// Source: RFC 8259; UTF-8 by RFC 3629 §4.

/// What is wrong with a JSON text, and at which byte.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        case unexpectedEnd
        case unexpectedByte(UInt8)
        case expected(JSONKind)
        case tooDeep
        case controlCharacterInString
        case invalidEscape
        case unpairedSurrogate
        case invalidUTF8
        case invalidNumber
        case integerOutOfRange
        /// No floating-point number comes near it.
        case numberOutOfRange
        case byteOrderMark
        case trailingBytes
    }

    /// Bytes before the offending one.
    public let offset: Int
    public let reason: Reason

    /// "byte 17: unpaired surrogate"; safe to show to the sender.
    public var description: String {
        let what =
            switch reason {
            case .unexpectedEnd: "the text ends too early"
            case .unexpectedByte(let byte): "unexpected byte 0x" + String(byte, radix: 16)
            case .expected(let kind): "expected \(kind)"
            case .tooDeep: "nested too deeply"
            case .controlCharacterInString: "control character in a string"
            case .invalidEscape: "invalid escape"
            case .unpairedSurrogate: "unpaired surrogate"
            case .invalidUTF8: "invalid UTF-8"
            case .invalidNumber: "invalid number"
            case .integerOutOfRange: "not an integer of 64 bits"
            case .numberOutOfRange: "a number out of range"
            case .byteOrderMark: "byte order mark"
            case .trailingBytes: "bytes after the end of the value"
            }
        return "byte \(offset): \(what)"
    }
}

/// The kinds of JSON values, told apart by their first byte.
public enum JSONKind: Equatable, Sendable { case object, array, string, number, bool, null }

/// A cursor over JSON text. The memory belongs to the caller and must outlive the scanner.
public struct JSONScanner {
    /// .NET's default, which clients of the replaced system were limited to.
    public static let depthMaxDefault = 64

    let bytes: UnsafeBufferPointer<UInt8>
    /// The next byte to look at.
    public internal(set) var offset = 0
    private var depth = 0
    private let depthMax: Int
    /// No element of the innermost open container has been read yet, so no comma is due.
    private var isAtFirstElement = false

    /// - Parameter depthMax: open arrays and objects at one time, 1...64.
    public init(_ text: UnsafeRawBufferPointer, depthMax: Int = depthMaxDefault) {
        // `skipValue` keeps one bit per open container in a 64-bit word.
        precondition((1...64).contains(depthMax))
        bytes = text.bindMemory(to: UInt8.self)
        self.depthMax = depthMax
    }

    /// The kind of the value that comes next; white space before it is consumed.
    public mutating func peekKind() throws(JSONError) -> JSONKind {
        skipWhitespace()
        guard offset < bytes.count else { throw error(.unexpectedEnd) }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case 0xEF where offset == 0: throw error(.byteOrderMark)
        default: throw error(.unexpectedByte(bytes[offset]))
        }
    }

    public mutating func beginObject() throws(JSONError) {
        try open(.object)
    }

    /// The next key of the innermost object with its colon consumed; nil at the closing brace.
    public mutating func nextKey() throws(JSONError) -> JSONString? {
        if try closesOrSeparates(UInt8(ascii: "}")) { return nil }
        return try keyAndColon()
    }

    public mutating func beginArray() throws(JSONError) {
        try open(.array)
    }

    /// True in front of the next element of the innermost array; false when it has ended.
    public mutating func nextElement() throws(JSONError) -> Bool {
        !(try closesOrSeparates(UInt8(ascii: "]")))
    }

    /// Checks that only white space is left.
    public mutating func end() throws(JSONError) {
        skipWhitespace()
        if offset < bytes.count { throw error(.trailingBytes) }
    }

    public mutating func string() throws(JSONError) -> JSONString {
        try expect(.string)
        return try scanString()
    }

    public mutating func bool() throws(JSONError) -> Bool {
        try expect(.bool)
        if bytes[offset] == UInt8(ascii: "t") {
            try literal("true")
            return true
        }
        try literal("false")
        return false
    }

    public mutating func null() throws(JSONError) {
        try expect(.null)
        try literal("null")
    }

    /// The text of a number, unconverted.
    public mutating func number() throws(JSONError) -> Range<Int> {
        try expect(.number)
        return try scanNumber()
    }

    /// A number without fraction or exponent that fits 64 bits.
    public mutating func integer() throws(JSONError) -> Int64 {
        let range = try number()
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        // Counted downwards, as there is one negative number more.
        var value: Int64 = 0
        for index in range.dropFirst(isNegative ? 1 : 0) {
            let digit = bytes[index] &- UInt8(ascii: "0")
            let (product, isTooMuch) = value.multipliedReportingOverflow(by: 10)
            let (difference, isUnder) = product.subtractingReportingOverflow(Int64(digit))
            // A point or an exponent is no digit.
            if digit > 9 || isTooMuch || isUnder {
                throw JSONError(offset: range.lowerBound, reason: .integerOutOfRange)
            }
            value = difference
        }
        if !isNegative && value == .min {
            throw JSONError(offset: range.lowerBound, reason: .integerOutOfRange)
        }
        return isNegative ? value : -value
    }

    /// Steps over one value of any kind, checking all of it.
    /// - Returns: its bytes, without surrounding white space.
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        skipWhitespace()
        let start = offset
        let outerDepth = depth
        // Bit n tells whether the container at depth n + 1 is an object. A loop and not a recursion,
        // so that hostile nesting costs no stack.
        var isObject: UInt64 = 0
        repeat {
            if depth > outerDepth {
                let isInObject = isObject >> UInt64(depth - 1) & 1 == 1
                let closing = isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
                if try closesOrSeparates(closing) { continue }
                if isInObject { _ = try keyAndColon() }
                skipWhitespace()
            }
            guard offset < bytes.count else { throw error(.unexpectedEnd) }
            // By the byte and not by the kind: every byte of a message comes through here.
            switch bytes[offset] {
            case UInt8(ascii: "\""): _ = try scanString()
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): _ = try scanNumber()
            case UInt8(ascii: "{"):
                try beginObject()
                isObject |= 1 << UInt64(depth - 1)
            case UInt8(ascii: "["):
                try beginArray()
                isObject &= ~(1 << UInt64(depth - 1))
            default:
                if try peekKind() == .null { try null() } else { _ = try bool() }
            }
        } while depth > outerDepth
        return start..<offset
    }
}

extension JSONScanner {
    private func error(_ reason: JSONError.Reason) -> JSONError {
        JSONError(offset: offset, reason: reason)
    }

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func expect(_ kind: JSONKind) throws(JSONError) {
        if try peekKind() != kind { throw error(.expected(kind)) }
    }

    private mutating func open(_ kind: JSONKind) throws(JSONError) {
        try expect(kind)
        if depth == depthMax { throw error(.tooDeep) }
        depth += 1
        offset += 1
        isAtFirstElement = true
    }

    /// Consumes the end of the innermost container (true) or the comma before its next element.
    private mutating func closesOrSeparates(_ closing: UInt8) throws(JSONError) -> Bool {
        precondition(depth > 0, "no array or object is open")
        skipWhitespace()
        guard offset < bytes.count else { throw error(.unexpectedEnd) }
        if bytes[offset] == closing {
            offset += 1
            depth -= 1
            // Whatever encloses it has had at least this one element.
            isAtFirstElement = false
            return true
        }
        if isAtFirstElement {
            isAtFirstElement = false
            return false
        }
        guard bytes[offset] == UInt8(ascii: ",") else {
            throw error(.unexpectedByte(bytes[offset]))
        }
        offset += 1
        return false
    }

    private mutating func keyAndColon() throws(JSONError) -> JSONString {
        skipWhitespace()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
            // Says what is wrong.
            return try string()
        }
        let key = try scanString()
        skipWhitespace()
        guard offset < bytes.count else { throw error(.unexpectedEnd) }
        guard bytes[offset] == UInt8(ascii: ":") else {
            throw error(.unexpectedByte(bytes[offset]))
        }
        offset += 1
        return key
    }

    private mutating func literal(_ text: StaticString) throws(JSONError) {
        for index in 0..<text.utf8CodeUnitCount {
            guard offset < bytes.count else { throw error(.unexpectedEnd) }
            if bytes[offset] != text.utf8Start[index] {
                throw error(.unexpectedByte(bytes[offset]))
            }
            offset += 1
        }
    }

    /// RFC 8259 §6: minus, integer without leading zeros, fraction, exponent.
    private mutating func scanNumber() throws(JSONError) -> Range<Int> {
        let start = offset
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let integerStart = offset
        if digits() == 0 { throw error(.invalidNumber) }
        if bytes[integerStart] == UInt8(ascii: "0") && offset > integerStart + 1 {
            throw JSONError(offset: integerStart, reason: .invalidNumber)
        }
        if offset < bytes.count && bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            if digits() == 0 { throw error(.invalidNumber) }
        }
        // 0x20 turns "E" into "e".
        if offset < bytes.count && bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count
                && (bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-"))
            {
                offset += 1
            }
            if digits() == 0 { throw error(.invalidNumber) }
        }
        return start..<offset
    }

    private mutating func digits() -> Int {
        let start = offset
        while offset < bytes.count && bytes[offset] &- UInt8(ascii: "0") < 10 { offset += 1 }
        return offset - start
    }
}
