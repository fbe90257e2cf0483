// JSONValue: a small JSON document as a tree: request bodies, token claims, the settings file.
//
// The hub's messages are read by the pull scanner in Hub and never become a tree; here a document is
// read once, and looked at in any order.
//
// Thread: a pure value.  Allocates: per container and text.  Source: RFC 8259.

enum JSONValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    /// As written, since no one type holds every number.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(Object)

    /// Members in their order, duplicates included.
    struct Object: Equatable, Sendable {
        var members: [(name: String, value: JSONValue)] = []

        /// The first member of exactly that name.
        subscript(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

        /// The last member of that name without regard to case, as .NET binds request bodies.
        func member(ignoringCase name: String) -> JSONValue? {
            members.last { $0.name.lowercased() == name.lowercased() }?.value
        }

        var hasDuplicates: Bool { Set(members.map(\.name)).count != members.count }

        static func == (a: Self, b: Self) -> Bool {
            a.members.elementsEqual(b.members) { $0.name == $1.name && $0.value == $1.value }
        }
    }

    /// Nil if `bytes` are not exactly one JSON text, or nest deeper than `depthMax`.
    init?(parsing bytes: [UInt8], depthMax: Int) {
        var parser = JSONTreeParser(bytes: bytes)
        guard let value = parser.value(depthLeft: depthMax) else { return nil }
        parser.skipBlanks()
        guard parser.isAtEnd else { return nil }
        self = value
    }
}
