// HubValueEncoder: an Encodable Swift type as a HubValue.
//
//   Order(name: "x", note: nil) ─▶ .map([name: "x", note: null])
//
// A node is filled by the container that somebody has asked it for, and is read out when all is said:
// Codable allows several containers to be written in turns. A member that is nil is written as null,
// which is what .NET does and what its clients were written against.
//
// Thread: any.  Allocates: a node per container, and the value.

/// Encodes types as values for any format.
public enum HubValueEncoder {
    /// - Throws: `.notEncodable` for what the type itself refuses.
    public static func encode<T: Encodable>(_ value: T) throws(HubValueError) -> HubValue {
        do {
            return try ValueNode.item(value, []).value
        } catch let error as HubValueError {
            throw error
        } catch {
            throw .notEncodable("\(error)")
        }
    }
}

/// What one `encode(to:)` says.
final class ValueNode: Encoder {
    enum Item {
        case value(HubValue)
        case node(ValueNode)

        var value: HubValue {
            switch self {
            case .value(let value): value
            case .node(let node): node.value
            }
        }
    }

    enum Kind { case nothing, single, array, map }

    let codingPath: [any CodingKey]
    private(set) var kind = Kind.nothing
    private(set) var items: [Item] = []
    /// Of a map: one for each item.
    private(set) var names: [String] = []

    init(_ codingPath: [any CodingKey]) { self.codingPath = codingPath }

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        begin(.map)
        return KeyedEncodingContainer(KeyedNodes<Key>(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        begin(.array)
        return UnkeyedNodes(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleNode(node: self) }

    // MARK: For the containers

    func begin(_ kind: Kind) {
        precondition(
            self.kind == .nothing || self.kind == kind, "a value has one kind of container")
        self.kind = kind
    }

    func append(_ item: Item, named name: String? = nil) {
        if kind == .single { items.removeAll() }
        items.append(item)
        if let name { names.append(name) }
    }

    /// A container asked for twice by one name is one container.
    func nested(_ key: any CodingKey, _ kind: Kind) -> ValueNode {
        for index in names.indices.reversed() where names[index] == key.stringValue {
            if case .node(let node) = items[index], node.kind == kind { return node }
        }
        let node = ValueNode(codingPath + [key])
        append(.node(node), named: key.stringValue)
        return node
    }

    var value: HubValue {
        switch kind {
        // A type that says nothing is an empty object, as for JSONEncoder.
        case .nothing: .map([])
        case .single: items[0].value
        case .array: .array(items.map(\.value))
        case .map: .map(zip(names, items).map { HubValue.Member($0, $1.value) })
        }
    }

    static func item<T: Encodable>(_ value: T, _ codingPath: [any CodingKey]) throws -> Item {
        guard let native = NativeType(T.self) else {
            let node = ValueNode(codingPath)
            try value.encode(to: node)
            return .node(node)
        }
        switch (native, value) {
        case (_, let bytes as [UInt8]): return .value(.binary(bytes))
        case (_, let moment as HubTimestamp): return .value(.timestamp(moment))
        case (_, let value as HubValue): return .value(value)
        case (.data, let bytes as any Sequence<UInt8>): return .value(.binary(Array(bytes)))
        default:
            let node = ValueNode(codingPath)
            try value.encode(to: node)
            guard let seconds = node.value.doubleValue,
                let moment = NativeType.timestamp(referenceSeconds: seconds)
            else { throw HubValueError.timestampOutOfRange }
            return .value(.timestamp(moment))
        }
    }
}

/// A value that is no container, or the value of a type that is another type's only part.
struct SingleNode: SingleValueEncodingContainer {
    let node: ValueNode

    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil() { put(.value(.null)) }
    func encode(_ value: Bool) { put(.value(.bool(value))) }
    func encode(_ value: String) { put(.value(.string(value))) }
    func encode(_ value: Double) { put(.value(.double(value))) }
    func encode(_ value: Float) { put(.value(.float(value))) }
    func encode(_ value: Int) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: Int8) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: Int16) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: Int32) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: Int64) { put(.value(.integer(value))) }
    func encode(_ value: UInt) { put(.value(HubValue(UInt64(value)))) }
    func encode(_ value: UInt8) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: UInt16) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: UInt32) { put(.value(.integer(Int64(value)))) }
    func encode(_ value: UInt64) { put(.value(HubValue(value))) }
    func encode<T: Encodable>(_ value: T) throws { put(try ValueNode.item(value, codingPath)) }

    private func put(_ item: ValueNode.Item) {
        node.begin(.single)
        node.append(item)
    }
}
