// ClientRequest: what is asked of another server.
//
//   POST /v1/traces HTTP/1.1␍␊Host: collector:4318␍␊Content-Length: 812␍␊(fields)␍␊␍␊(body)
//
// Thread: a pure value.  Allocates: its texts and its bytes.  Source: RFC 9112 §3.2; RFC 9110 §7.2,
// §8.6, §9.2.2.

public struct ClientRequest: Sendable {
    public let method: HTTPMethod
    public let url: HTTPURL
    /// Sent with Content-Length. Head and body together must fit `Limits.outboundByteCountMax`.
    public let body: [UInt8]
    private var fields: [(name: String, value: String)] = []

    /// - Parameter method: neither `connect` nor `other`.
    public init(
        _ method: HTTPMethod, _ url: HTTPURL, contentType: StaticString? = nil, body: [UInt8] = []
    ) {
        precondition(method != .connect && method != .other)
        self.method = method
        self.url = url
        self.body = body
        if let contentType { add("Content-Type", contentType.description) }
    }

    /// Adds a field. Host, Content-Length and Connection are the client's and not given here.
    ///
    /// - Parameters:
    ///   - name: `isFieldName` must be true of it.
    ///   - value: a control byte is sent as a space, so that no value can begin another line.
    public mutating func add(_ name: String, _ value: String) {
        precondition(Self.isFieldName(name), "not a field name")
        fields.append((name: name, value: value))
    }

    /// Whether a name from a configuration may be one of a field.
    public static func isFieldName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy(\.isTokenByte)
    }

    /// Asking twice does no more than asking once (RFC 9110 §9.2.2).
    var isIdempotent: Bool {
        switch method {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }

    /// For errors and logs: `GET https://login.example/keys`.
    var text: String { "\(method.text) \(url.redacted)" }

    /// The request as it is sent.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + body.count)
        bytes.append(method.text)
        bytes.append(.space)
        bytes.append(contentsOf: url.target.utf8)
        bytes.append(" HTTP/1.1\r\nHost: ")
        bytes.append(contentsOf: url.origin.authority.utf8)
        // A request whose method expects a body says so even where there is none (RFC 9110 §8.6).
        if !body.isEmpty || [.post, .put, .patch].contains(method) {
            bytes.append("\r\nContent-Length: ")
            bytes.append(decimal: body.count)
        }
        for field in fields {
            bytes.append("\r\n")
            bytes.append(contentsOf: field.name.utf8)
            bytes.append(": ")
            for byte in field.value.utf8 { bytes.append(byte.isForbiddenControl ? .space : byte) }
        }
        bytes.append("\r\n\r\n")
        bytes.append(contentsOf: body)
        return bytes
    }
}
