// JSONValue: a small JSON document as a tree: request bodies, token claims, the settings file.
//
// The hub's messages never become a tree; here a document is read once, and looked at in any order.
//
// Thread: a pure value.  Allocates: per container and text.  Source: RFC 8259.

import Hub

package enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    /// As written, since no one type holds every number.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(Object)

    /// Members in their order, duplicates included.
    package struct Object: Equatable, Sendable {
        var members: [(name: String, value: JSONValue)] = []

        /// The first member of exactly that name.
        subscript(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

        /// The last member of that name, given in lower case, without regard to case: as .NET binds
        /// request bodies.
        func member(ignoringCase name: String) -> JSONValue? {
            members.last { $0.name.lowercased() == name }?.value
        }

        var hasDuplicates: Bool { Set(members.map(\.name)).count != members.count }

        package static func == (a: Self, b: Self) -> Bool {
            a.members.elementsEqual(b.members) { $0.name == $1.name && $0.value == $1.value }
        }
    }

    /// Reads exactly one JSON text.
    ///
    /// - Parameter depthMax: containers within each other, 1...64; also the depth of our recursion.
    init(parsing bytes: [UInt8], depthMax: Int) throws(JSONError) {
        let result = bytes.withUnsafeBytes { text -> Result<JSONValue, JSONError> in
            Result { () throws(JSONError) in
                var scanner = JSONScanner(text, depthMax: depthMax)
                let value = try Self.next(&scanner, of: text)
                try scanner.end()
                return value
            }
        }
        self = try result.get()
    }

    private static func next(
        _ scanner: inout JSONScanner, of text: UnsafeRawBufferPointer
    ) throws(JSONError) -> JSONValue {
        switch try scanner.peekKind() {
        case .null:
            try scanner.null()
            return .null
        case .bool: return .boolean(try scanner.bool())
        case .number:
            let range = try scanner.number()
            return .number(String(decoding: text[range], as: UTF8.self))
        case .string: return .string(scanner.text(of: try scanner.string()))
        case .array:
            var items: [JSONValue] = []
            try scanner.beginArray()
            while try scanner.nextElement() { items.append(try next(&scanner, of: text)) }
            return .array(items)
        case .object:
            var object = Object()
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                let name = scanner.text(of: key)
                object.members.append((name: name, value: try next(&scanner, of: text)))
            }
            return .object(object)
        }
    }
}
