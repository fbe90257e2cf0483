// HTTPURL: an absolute http or https URL, taken apart into what a client needs of it.
//
//   https://login.example:8443/tenant/keys?v=2
//   └───── origin ───────────┘└─── target ───┘
//
// Thread: a pure value.  Allocates: its texts.  Source: RFC 3986 §3; RFC 9110 §4.2, §4.3.1.

/// Whom a connection leads to; connections to one origin may be used for each of its resources.
public struct HTTPOrigin: Hashable, Sendable {
    public let isEncrypted: Bool
    /// In lower case, without the brackets of an IPv6 address.
    public let host: String
    public let port: UInt16

    /// `login.example:8443`; the port only where it is not the scheme's own. The value of Host.
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isEncrypted ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// `https://login.example:8443`.
    public var text: String { (isEncrypted ? "https://" : "http://") + authority }
}

/// Why a text is not a URL this client can follow. Never contains the text, which may hold a secret.
public struct HTTPURLError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

public struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    public let origin: HTTPOrigin
    /// Path and query as they stand on the request line; starts with "/".
    public let target: String

    public init(origin: HTTPOrigin, target: String) {
        self.origin = origin
        self.target = target
    }

    /// Reads an absolute URL. User information is refused (RFC 9110 §4.2.4), a fragment too, because
    /// it would never reach the server.
    public init(_ text: String) throws(HTTPURLError) {
        if text.contains("#") { throw HTTPURLError(description: "has a fragment") }
        var head = RequestHead()
        let bytes = Array(text.utf8)
        do throws(HTTPError) {
            try RequestTarget.parse(ByteRange(0, bytes.count), bytes.span, into: &head)
        } catch {
            throw Self.notAURL
        }
        guard let authority = head.authorityRange else { throw Self.notAURL }
        // "http:" has five bytes, "https:" six; nothing else passes the parser.
        let isEncrypted = bytes[4].lowercased == UInt8(ascii: "s")
        origin = try Self.origin(bytes[authority.indices], isEncrypted: isEncrypted)
        let rest = String(decoding: bytes[authority.end...], as: UTF8.self)
        target = rest.hasPrefix("/") ? rest : "/" + rest
    }

    public var description: String { origin.text + target }
    /// Without the query, for logs.
    public var redacted: String { origin.text + target.prefix { $0 != "?" } }

    /// This URL with `path` behind its own path, one "/" between them: `https://a/b/` and `c` make
    /// `https://a/b/c`.
    public func appending(_ path: String) -> HTTPURL {
        let query = target.drop { $0 != "?" }
        var start = target.prefix { $0 != "?" }
        while start.hasSuffix("/") { start = start.dropLast() }
        let end = path.drop { $0 == "/" }
        return HTTPURL(origin: origin, target: "\(start)/\(end)\(query)")
    }

    private static let notAURL = HTTPURLError(
        description: "is not an absolute URL such as https://host:port/path")

    private static func origin(
        _ authority: ArraySlice<UInt8>, isEncrypted: Bool
    ) throws(HTTPURLError) -> HTTPOrigin {
        let text = String(decoding: authority, as: UTF8.self).lowercased()
        let host: Substring
        let port: Substring
        if text.hasPrefix("[") {
            host = text.dropFirst().prefix { $0 != "]" }
            port = text.dropFirst(host.count + 2).dropFirst()
        } else {
            host = text.prefix { $0 != ":" }
            port = text.dropFirst(host.count + 1)
            // A host by RFC 3986 may hold more, a name that resolves never does.
            let isName = host.utf8.allSatisfy {
                $0.isLetter || $0.isDigit
                    || [UInt8(ascii: "."), UInt8(ascii: "-"), 0x5F].contains($0)
            }
            if !isName { throw HTTPURLError(description: "has a host that is no name") }
        }
        if port.isEmpty {
            return HTTPOrigin(
                isEncrypted: isEncrypted, host: String(host), port: isEncrypted ? 443 : 80)
        }
        guard let number = UInt16(port), number > 0 else {
            throw HTTPURLError(description: "has a port that is none")
        }
        return HTTPOrigin(isEncrypted: isEncrypted, host: String(host), port: number)
    }
}
