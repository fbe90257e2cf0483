// HubValueEncoder+Containers: the members of a map and the items of an array, as Codable says them.
//
// Thread: any.  Allocates: the names and the items.

struct KeyedNodes<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: ValueNode

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil(forKey key: Key) { put(.null, key) }
    func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
    func encode(_ value: String, forKey key: Key) { put(.string(value), key) }
    func encode(_ value: Double, forKey key: Key) { put(.double(value), key) }
    func encode(_ value: Float, forKey key: Key) { put(.float(value), key) }
    func encode(_ value: Int, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int8, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int16, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int32, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: Int64, forKey key: Key) { put(.integer(value), key) }
    func encode(_ value: UInt, forKey key: Key) { put(HubValue(UInt64(value)), key) }
    func encode(_ value: UInt8, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: UInt16, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: UInt32, forKey key: Key) { put(.integer(Int64(value)), key) }
    func encode(_ value: UInt64, forKey key: Key) { put(HubValue(value), key) }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        node.append(try ValueNode.item(value, codingPath + [key]), named: key.stringValue)
    }

    // What is nil is null: Codable's own answer would be to leave the member out.
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try orNull(value, key) }
    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        try orNull(value, key)
    }

    func nestedContainer<Nested>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> { node.nested(key, .map).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        node.nested(key, .array).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { node.nested(NameKey("super"), .nothing) }
    func superEncoder(forKey key: Key) -> any Encoder { node.nested(key, .nothing) }

    private func put(_ value: HubValue, _ key: Key) {
        node.append(.value(value), named: key.stringValue)
    }

    private func orNull<T: Encodable>(_ value: T?, _ key: Key) throws {
        if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
    }
}

private struct NameKey: CodingKey {
    let stringValue: String

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }

    var intValue: Int? { nil }
}

struct UnkeyedNodes: UnkeyedEncodingContainer {
    let node: ValueNode

    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int { node.items.count }

    func encodeNil() { put(.null) }
    func encode(_ value: Bool) { put(.bool(value)) }
    func encode(_ value: String) { put(.string(value)) }
    func encode(_ value: Double) { put(.double(value)) }
    func encode(_ value: Float) { put(.float(value)) }
    func encode(_ value: Int) { put(.integer(Int64(value))) }
    func encode(_ value: Int8) { put(.integer(Int64(value))) }
    func encode(_ value: Int16) { put(.integer(Int64(value))) }
    func encode(_ value: Int32) { put(.integer(Int64(value))) }
    func encode(_ value: Int64) { put(.integer(value)) }
    func encode(_ value: UInt) { put(HubValue(UInt64(value))) }
    func encode(_ value: UInt8) { put(.integer(Int64(value))) }
    func encode(_ value: UInt16) { put(.integer(Int64(value))) }
    func encode(_ value: UInt32) { put(.integer(Int64(value))) }
    func encode(_ value: UInt64) { put(HubValue(value)) }
    func encode<T: Encodable>(_ value: T) throws {
        node.append(try ValueNode.item(value, codingPath + [IndexKey(count)]))
    }

    func nestedContainer<Nested>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    func superEncoder() -> any Encoder { nested() }

    private func put(_ value: HubValue) { node.append(.value(value)) }

    private func nested() -> ValueNode {
        let nested = ValueNode(codingPath + [IndexKey(count)])
        node.append(.node(nested))
        return nested
    }
}
