// HTTPMethod: the registered methods, told apart by their exact bytes.
//
// Thread: a pure value.  Allocates: never.  Source: RFC 9110 §9; RFC 5789.

/// A request method. Methods are case-sensitive: `get` is `other`.
public enum HTTPMethod: UInt8, Hashable, Sendable, CaseIterable {
    case get, head, post, put, delete, options, patch, trace, connect
    /// Any other token; answered with 501 (RFC 9110 §9.1).
    case other

    public var text: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other: "?"
        }
    }

    init(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) {
        for method in Self.allCases where method != .other {
            if method.text.equals(bytes, range) {
                self = method
                return
            }
        }
        self = .other
    }
}
