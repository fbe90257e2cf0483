// RequestHead: a request line and its fields, as ranges into the bytes they were read from.
//
//   GET /api/orders?size=10 HTTP/1.1␍␊Host: shop␍␊…␍␊
//       └─── path ──┘└query─┘         └name┘ └value┘      offsets from the front of the buffer
//
// Thread: a pure value.  Allocates: one array of fields.  Source: RFC 9112 §2, §3, §6, §9.3.

/// HTTP/1.1 covers 1.2 to 1.9 too, which differ in nothing a server may rely on (RFC 9110 §2.5).
public enum HTTPVersion: Equatable, Sendable { case http10, http11 }

/// The head of one request. Its ranges are valid for the buffer it was parsed from and for an
/// exact copy of that buffer's first `byteCount` bytes.
public struct RequestHead: Equatable, Sendable {
    public internal(set) var method: HTTPMethod = .other
    public internal(set) var version: HTTPVersion = .http11
    var methodRange = ByteRange.empty
    /// Starts with "/", or is "*" for OPTIONS, or is empty in an absolute-form without a path and at the
    /// base path itself.
    var pathRange = ByteRange.empty
    /// Behind the "?"; nil if there is none.
    var queryRange: ByteRange?
    /// Of an absolute-form target; it overrides Host (RFC 9112 §3.2.2).
    var authorityRange: ByteRange?
    public internal(set) var fields: [HeaderField] = []
    public internal(set) var framing: BodyFraming = .none
    /// What the peer wants; the server may still decide to close (RFC 9112 §9.3).
    public internal(set) var keepsAlive = true
    /// The peer waits for "100 Continue" before it sends the body (RFC 9110 §10.1.1).
    public internal(set) var expectsContinue = false
    /// All bytes of the head, its leading empty lines and its final CRLF included.
    public internal(set) var byteCount = 0

    /// The value of the first field of that name.
    public func first(_ name: HeaderName) -> ByteRange? { fields.first(name) }

    /// Fields of that name.
    public func count(of name: HeaderName) -> Int { fields.count(of: name) }

    /// The same head with a path that begins behind `basePath`, if it lies below that.
    func removing(basePath: String, of bytes: [UInt8]) -> RequestHead {
        guard !basePath.isEmpty, bytes[pathRange.indices].isPath(below: basePath) else {
            return self
        }
        var head = self
        head.pathRange = ByteRange(Int(pathRange.start) + basePath.utf8.count, pathRange.end)
        return head
    }

    /// Whether a comma-separated field, in one line or several, lists `token` (in lower case).
    func lists(_ token: StaticString, in name: HeaderName, of bytes: borrowing Span<UInt8>) -> Bool
    {
        fields.lists(token, in: name, of: bytes)
    }
}

extension ArraySlice<UInt8> {
    /// Whether this path is `prefix` or lies below it, ASCII case ignored.
    func isPath(below prefix: String) -> Bool {
        let length = prefix.utf8.count
        guard count >= length,
            self.prefix(length).elementsEqual(prefix.utf8, by: { $0.lowercased == $1.lowercased })
        else { return false }
        return count == length || prefix.utf8.last == .slash
            || self[startIndex + length] == .slash
    }
}
