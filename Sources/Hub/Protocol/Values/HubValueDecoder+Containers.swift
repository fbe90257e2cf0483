// HubValueDecoder+Containers: the members of a map and the items of an array, as Codable asks for them.
//
// Thread: any.  Allocates: an index for a map of many members; a decoder per nested container.

/// The members of a map, found by name: exactly, else without regard to case.
final class MemberTable {
    let members: [HubValue.Member]
    /// Above this many members a row of comparisons costs more than a table does. It keeps a hostile
    /// message from costing the square of its length.
    private static let scannedCountMax = 8
    private lazy var exact = index { $0 }
    private lazy var folded = index { $0.lowercased() }

    init(_ members: [HubValue.Member]) { self.members = members }

    /// Of two with one name the last.
    func value(named name: String) -> HubValue? {
        if members.count <= Self.scannedCountMax {
            if let found = members.last(where: { $0.name == name }) { return found.value }
            let wanted = name.lowercased()
            return members.last { $0.name.lowercased() == wanted }?.value
        }
        return (exact[name] ?? folded[name.lowercased()]).map { members[$0].value }
    }

    private func index(by name: (String) -> String) -> [String: Int] {
        Dictionary(
            members.indices.map { (name(members[$0].name), $0) }, uniquingKeysWith: { $1 })
    }
}

struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ValueDecoder
    let members: MemberTable

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { members.members.compactMap { Key(stringValue: $0.name) } }

    func contains(_ key: Key) -> Bool { members.value(named: key.stringValue) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try value(key) == .null }
    func decode(_: Bool.Type, forKey key: Key) throws -> Bool {
        try scalar(key) { $0.boolValue }
    }
    func decode(_: String.Type, forKey key: Key) throws -> String {
        try scalar(key) { $0.stringValue }
    }
    func decode(_: Double.Type, forKey key: Key) throws -> Double {
        try scalar(key) { $0.doubleValue }
    }
    func decode(_: Float.Type, forKey key: Key) throws -> Float {
        try scalar(key) { $0.floatValue }
    }
    func decode(_: Int.Type, forKey key: Key) throws -> Int { try integer(key) }
    func decode(_: Int8.Type, forKey key: Key) throws -> Int8 { try integer(key) }
    func decode(_: Int16.Type, forKey key: Key) throws -> Int16 { try integer(key) }
    func decode(_: Int32.Type, forKey key: Key) throws -> Int32 { try integer(key) }
    func decode(_: Int64.Type, forKey key: Key) throws -> Int64 { try integer(key) }
    func decode(_: UInt.Type, forKey key: Key) throws -> UInt { try integer(key) }
    func decode(_: UInt8.Type, forKey key: Key) throws -> UInt8 { try integer(key) }
    func decode(_: UInt16.Type, forKey key: Key) throws -> UInt16 { try integer(key) }
    func decode(_: UInt32.Type, forKey key: Key) throws -> UInt32 { try integer(key) }
    func decode(_: UInt64.Type, forKey key: Key) throws -> UInt64 { try integer(key) }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try decoder.decode(type, from: value(key), key)
    }

    func nestedContainer<Nested>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try nested(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        // A type without a super class's part finds null there.
        ValueDecoder(members.value(named: "super") ?? .null, parent: decoder)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try nested(key) }

    private func value(_ key: Key) throws -> HubValue {
        guard let value = members.value(named: key.stringValue) else {
            throw DecodingError.keyNotFound(
                key,
                DecodingError.Context(codingPath: codingPath, debugDescription: "no such member"))
        }
        return value
    }

    private func scalar<T>(_ key: Key, _ read: (HubValue) -> T?) throws -> T {
        let value = try value(key)
        return try decoder.unwrap(read(value), value, key)
    }

    private func integer<T: FixedWidthInteger>(_ key: Key) throws -> T {
        try scalar(key) { $0.integerValue() }
    }

    private func nested(_ key: Key) throws -> ValueDecoder {
        ValueDecoder(try value(key), parent: decoder, key: key)
    }
}

/// The place of an item in its array.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }
    init?(intValue: Int) { index = intValue }
    init?(stringValue: String) { return nil }

    var intValue: Int? { index }
    var stringValue: String { "\(index)" }
}

struct UnkeyedValues: UnkeyedDecodingContainer {
    enum Items {
        case values([HubValue])
        /// Each is an integer; not kept as values, which take forty times the memory.
        case bytes([UInt8])
    }

    let decoder: ValueDecoder
    let items: Items
    private(set) var currentIndex = 0

    init(decoder: ValueDecoder, items: Items) {
        self.decoder = decoder
        self.items = items
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var isAtEnd: Bool { currentIndex == count }
    var count: Int? {
        switch items {
        case .values(let values): values.count
        case .bytes(let bytes): bytes.count
        }
    }

    mutating func decodeNil() throws -> Bool {
        guard try peek() == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_: Bool.Type) throws -> Bool { try scalar { $0.boolValue } }
    mutating func decode(_: String.Type) throws -> String { try scalar { $0.stringValue } }
    mutating func decode(_: Double.Type) throws -> Double { try scalar { $0.doubleValue } }
    mutating func decode(_: Float.Type) throws -> Float { try scalar { $0.floatValue } }
    mutating func decode(_: Int.Type) throws -> Int { try integer() }
    mutating func decode(_: Int8.Type) throws -> Int8 { try integer() }
    mutating func decode(_: Int16.Type) throws -> Int16 { try integer() }
    mutating func decode(_: Int32.Type) throws -> Int32 { try integer() }
    mutating func decode(_: Int64.Type) throws -> Int64 { try integer() }
    mutating func decode(_: UInt.Type) throws -> UInt { try integer() }
    mutating func decode(_: UInt8.Type) throws -> UInt8 { try integer() }
    mutating func decode(_: UInt16.Type) throws -> UInt16 { try integer() }
    mutating func decode(_: UInt32.Type) throws -> UInt32 { try integer() }
    mutating func decode(_: UInt64.Type) throws -> UInt64 { try integer() }
    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try take { try $0.decode(type, from: $1, $2) }
    }

    mutating func nestedContainer<Nested>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try take { try ValueDecoder($1, parent: $0, key: $2).container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try take { try ValueDecoder($1, parent: $0, key: $2).unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder {
        try take { ValueDecoder($1, parent: $0, key: $2) }
    }

    private func peek() throws -> HubValue {
        switch items {
        case .values(let values) where currentIndex < values.count: return values[currentIndex]
        case .bytes(let bytes) where currentIndex < bytes.count:
            return .integer(Int64(bytes[currentIndex]))
        default:
            throw DecodingError.valueNotFound(
                Any.self,
                DecodingError.Context(
                    codingPath: codingPath + [IndexKey(currentIndex)],
                    debugDescription: "the array has no further item"))
        }
    }

    /// Steps over the item only if it could be read.
    private mutating func take<T>(
        _ read: (ValueDecoder, HubValue, any CodingKey) throws -> T
    ) throws -> T {
        let result = try read(decoder, try peek(), IndexKey(currentIndex))
        currentIndex += 1
        return result
    }

    private mutating func scalar<T>(_ read: (HubValue) -> T?) throws -> T {
        try take { try $0.unwrap(read($1), $1, $2) }
    }

    private mutating func integer<T: FixedWidthInteger>() throws -> T {
        try scalar { $0.integerValue() }
    }
}
