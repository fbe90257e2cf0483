// BackplaneScope: whose messages a pod wants to hear, besides those for everybody.
//
// Names are compared byte by byte (see OrdinalName), as Redis compares channels.
//
// Thread: a pure value.  Allocates: never.

public enum BackplaneScope: Sendable {
    case connection(String)
    case user(String)
    case group(String)
    /// Requests of a polling or event-stream client, by connection id.
    case transport(String)

    /// Two scopes of different kinds may have the same name.
    private var kindAndName: (UInt8, OrdinalName) {
        switch self {
        case .connection(let id): (0, OrdinalName(id))
        case .user(let id): (1, OrdinalName(id))
        case .group(let name): (2, OrdinalName(name))
        case .transport(let id): (3, OrdinalName(id))
        }
    }
}

extension BackplaneScope: Hashable {
    public static func == (a: Self, b: Self) -> Bool { a.kindAndName == b.kindAndName }

    public func hash(into hasher: inout Hasher) {
        let (kind, name) = kindAndName
        hasher.combine(kind)
        hasher.combine(name)
    }
}
