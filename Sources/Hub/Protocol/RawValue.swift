// RawValue: one argument, item or result in the format it came in or shall go out in, not decoded.
//
// The hub passes values through without knowing their types; only the method that wants one decodes
// it. A protocol that is to write a value of another format transcodes it.
//
// Thread: a pure value, any thread.  Allocates: never; slices share the record they were cut from.

public enum RawValue: Equatable, Sendable {
    case json(RawJSON)

    public static let null = RawValue.json(.null)

    public static func string(_ text: String) -> RawValue { .json(.string(text)) }

    /// Of the value in its own format.
    public var byteCount: Int {
        switch self {
        case .json(let json): json.bytes.count
        }
    }

    /// Whether it is the null of its format.
    var isNull: Bool {
        switch self {
        case .json(let json): json == .null
        }
    }
}
