// HubValueDecoder: a Decodable Swift type from a HubValue.
//
//   .map([Name: "x", tags: […]]) ─▶ Order(name: "x", tags: […])
//        └ no member "name": the first that is it but for its case, as .NET reads
//
// One ValueDecoder stands for one value; containers look at its value and make further ones for what
// has containers itself. Null is taken by optionals only, and further members are ignored.
//
// Thread: any.  Allocates: a decoder per container, and what the type needs.

/// Decodes types from values of any format.
public enum HubValueDecoder {
    /// - Throws: `DecodingError`, or whatever the type's own `init(from:)` throws.
    public static func decode<T: Decodable>(
        _ type: T.Type = T.self, from value: HubValue
    ) throws -> T {
        try ValueDecoder(value).decode(type, from: value, nil)
    }
}

/// The decoder of one value.
final class ValueDecoder: Decoder {
    let value: HubValue
    private let parent: ValueDecoder?
    private let key: (any CodingKey)?

    init(_ value: HubValue, parent: ValueDecoder? = nil, key: (any CodingKey)? = nil) {
        self.value = value
        self.parent = parent
        self.key = key
    }

    /// Made when asked for: only errors want it.
    var codingPath: [any CodingKey] {
        (parent?.codingPath ?? []) + (key.map { [$0] } ?? [])
    }

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .map(let members) = value else { throw mismatch([String: Any].self, value, nil) }
        return KeyedDecodingContainer(
            KeyedValues<Key>(decoder: self, members: MemberTable(members)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch value {
        case .array(let items): UnkeyedValues(decoder: self, items: .values(items))
        // What other types than [UInt8] make of bytes; Data does.
        case .binary(let bytes): UnkeyedValues(decoder: self, items: .bytes(bytes))
        default: throw mismatch([Any].self, value, nil)
        }
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SingleValue(decoder: self)
    }

    // MARK: Values for the containers

    /// - Parameter key: of `value` in this decoder's own; nil if it is the same.
    func decode<T: Decodable>(
        _ type: T.Type, from value: HubValue, _ key: (any CodingKey)?
    ) throws -> T {
        guard let native = NativeType(type) else {
            return try T(from: key == nil ? self : ValueDecoder(value, parent: self, key: key))
        }
        switch native {
        case .bytes: return try unwrap(value.bytesValue as? T, value, key)
        case .timestamp: return try unwrap(value.timestampValue as? T, value, key)
        case .value: return try unwrap(value as? T, value, key)
        case .data:
            let bytes: [UInt8] = try unwrap(value.bytesValue, value, key)
            return try T(from: ValueDecoder(.binary(bytes), parent: self, key: key))
        case .date:
            let moment: HubTimestamp = try unwrap(value.timestampValue, value, key)
            let seconds = NativeType.referenceSeconds(of: moment)
            return try T(from: ValueDecoder(.double(seconds), parent: self, key: key))
        }
    }

    /// The scalar that was wanted of `value`, or the error that it is none.
    func unwrap<T>(_ scalar: T?, _ value: HubValue, _ key: (any CodingKey)?) throws -> T {
        guard let scalar else { throw mismatch(T.self, value, key) }
        return scalar
    }

    func mismatch(_ type: Any.Type, _ value: HubValue, _ key: (any CodingKey)?) -> DecodingError {
        let context = DecodingError.Context(
            codingPath: codingPath + (key.map { [$0] } ?? []),
            debugDescription: "\(value.kindName) is no \(type)")
        return value == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }
}

extension HubValue {
    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a bool"
        case .integer, .unsigned, .float, .double: "this number"
        case .string: "this string"
        case .binary: "binary"
        case .timestamp: "a timestamp"
        case .array: "an array"
        case .map: "a map"
        }
    }
}

/// A value that is no container, or becomes a type that is one of its own.
struct SingleValue: SingleValueDecodingContainer {
    let decoder: ValueDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }
    private var value: HubValue { decoder.value }

    func decodeNil() -> Bool { value == .null }
    func decode(_: Bool.Type) throws -> Bool { try decoder.unwrap(value.boolValue, value, nil) }
    func decode(_: String.Type) throws -> String {
        try decoder.unwrap(value.stringValue, value, nil)
    }
    func decode(_: Double.Type) throws -> Double {
        try decoder.unwrap(value.doubleValue, value, nil)
    }
    func decode(_: Float.Type) throws -> Float { try decoder.unwrap(value.floatValue, value, nil) }
    func decode(_: Int.Type) throws -> Int { try integer() }
    func decode(_: Int8.Type) throws -> Int8 { try integer() }
    func decode(_: Int16.Type) throws -> Int16 { try integer() }
    func decode(_: Int32.Type) throws -> Int32 { try integer() }
    func decode(_: Int64.Type) throws -> Int64 { try integer() }
    func decode(_: UInt.Type) throws -> UInt { try integer() }
    func decode(_: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_: UInt64.Type) throws -> UInt64 { try integer() }
    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try decoder.decode(type, from: value, nil)
    }

    private func integer<T: FixedWidthInteger>() throws -> T {
        try decoder.unwrap(value.integerValue(), value, nil)
    }
}
