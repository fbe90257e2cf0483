// MessagePackError: what is wrong with MessagePack bytes; and the kinds of values, by first byte.
//
// Thread: pure values.  Allocates: the texts.
// Source: MessagePack specification, "Formats".

/// What is wrong, and at which byte.
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
        /// Of a map that shall become members: JSON and Swift's types have names only.
        case keyIsNotText
        /// An extension that is not a timestamp.
        case unknownExtension(type: Int8)
        /// A timestamp of no known length, or with more than 999,999,999 nanoseconds.
        case malformedTimestamp
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
            case .keyIsNotText: "a map's key is not a string"
            case .unknownExtension(let type): "extension \(type) is not known"
            case .malformedTimestamp: "a malformed timestamp"
            }
        return "byte \(offset): \(what)"
    }
}

public enum MessagePackKind: Equatable, Sendable {
    case `nil`, bool, integer, float, string, binary, array, map, `extension`

    /// Nil for the byte that begins no value.
    init?(first: UInt8) {
        switch first {
        case 0x00...0x7F, 0xE0...0xFF, 0xCC...0xD3: self = .integer
        case 0x80...0x8F, 0xDE, 0xDF: self = .map
        case 0x90...0x9F, 0xDC, 0xDD: self = .array
        case 0xA0...0xBF, 0xD9...0xDB: self = .string
        case 0xC0: self = .nil
        case 0xC2, 0xC3: self = .bool
        case 0xC4...0xC6: self = .binary
        case 0xCA, 0xCB: self = .float
        case 0xC7...0xC9, 0xD4...0xD8: self = .extension
        default: return nil
        }
    }
}
