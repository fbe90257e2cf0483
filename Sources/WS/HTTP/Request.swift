// Request: one complete request, as a value that a handler may take to any thread.
//
//   bytes  [ the head as it came, one copy ]      head  [ ranges into it ]      body  [ decoded ]
//
// Thread: a pure value.  Allocates: the copy of the head; an accessor, the string it returns.

import Loop

/// A request with its body.
public struct Request: Sendable {
    let head: RequestHead
    /// The first `head.byteCount` bytes of the request.
    let bytes: [UInt8]
    /// Without transfer coding.
    public internal(set) var body: [UInt8] = []
    private let origin: RequestOrigin
    /// What `path` is without; empty for none. For answers that name a place of ours.
    public let basePath: String
    /// What this request is called in logs and problem bodies.
    public let trace: TraceContext
    /// The caller's span, if it named a valid one.
    let caller: TraceContext?
    /// What to hand on to other services: this request's own span where this process records any,
    /// else what the caller sent, unchanged, so that no span names a parent that nobody has.
    public let outgoingTrace: TraceContext

    init(
        head: RequestHead, bytes: [UInt8], peer: PeerAddress, isEncrypted: Bool,
        ingress: Ingress, traces: inout TraceSource
    ) {
        self.head = head.removing(basePath: ingress.basePath, of: bytes)
        self.bytes = bytes
        origin = RequestOrigin(
            head, bytes, peer: peer, isEncrypted: isEncrypted, ingress: ingress)
        basePath = ingress.basePath
        caller = head.first(.traceparent).flatMap { TraceContext(parsing: bytes[$0.indices]) }
        trace = traces.context(continuing: caller)
        outgoingTrace = traces.isRecording ? trace : caller ?? trace
    }

    public var method: HTTPMethod { head.method }
    /// The method as it was sent, also an unknown one.
    public var methodText: String { text(head.methodRange) }
    public var version: HTTPVersion { head.version }

    // MARK: Origin

    /// Who sent it: the other end of the connection, or who a trusted proxy says it speaks for.
    public var client: PeerAddress { origin.client }
    /// What the client's URL begins with.
    public var scheme: RequestScheme { origin.scheme }
    /// A trusted proxy has passed it on and said for whom. What only such a proxy may add to a request
    /// counts only then.
    public var isForwarded: Bool { origin.isForwarded }
    /// Host and port of the client's URL, in lower case; nil where an HTTP/1.0 client names none.
    public var authority: String? {
        let named = origin.host ?? head.authorityRange.map(text) ?? header(.host)
        return named.map { String(decoding: $0.utf8.map(\.lowercased), as: UTF8.self) }
    }

    /// Whether the page that sent the request is one of ours: it names the origin the request was sent
    /// to, or none. Browsers leave the origin out of a plain GET only, whose answer the pages of other
    /// sites cannot read.
    public var isSameOrigin: Bool {
        guard headerCount(.origin) <= 1 else { return false }
        guard let sent = header(.origin) else { return true }
        guard let authority else { return false }
        let port = scheme == .https ? ":443" : ":80"
        let host = authority.hasSuffix(port) ? String(authority.dropLast(port.count)) : authority
        return sent.utf8.map(\.lowercased).elementsEqual("\(scheme.rawValue)://\(host)".utf8)
    }

    // MARK: Target

    /// The path as it was sent, escapes included. An absolute-form target without one means the
    /// root, and with OPTIONS and no query the server as a whole, "*" (RFC 9112 §3.2.1, §3.2.4).
    public var path: String { String(decoding: pathBytes, as: UTF8.self) }
    /// What follows the "?", as it was sent.
    public var rawQuery: String? { head.queryRange.map(text) }
    /// Path and query, with the value of every `access_token` replaced: fit for logs and problem
    /// bodies, where a bearer token must not appear.
    public var redactedTarget: String {
        guard let queryRange = head.queryRange else { return path }
        var redacted = path + "?"
        var isFirst = true
        for pair in bytes[queryRange.indices].split(
            separator: 0x26, omittingEmptySubsequences: false)
        {
            if !isFirst { redacted += "&" }
            isFirst = false
            let name = pair.prefix { $0 != 0x3D }
            if name.count < pair.count && PercentEncoding.decodeForm(name).isAccessToken {
                redacted += String(decoding: name, as: UTF8.self) + "=redacted"
            } else {
                redacted += String(decoding: pair, as: UTF8.self)
            }
        }
        return redacted
    }

    /// The decoded value of the first query parameter of that name, which is case-sensitive. A name
    /// without "=" has the empty value.
    public func query(_ name: String) -> String? {
        guard let queryRange = head.queryRange else { return nil }
        for (rawName, value) in QueryPairs(bytes[queryRange.indices])
        where PercentEncoding.decodeForm(rawName) == name {
            return PercentEncoding.decodeForm(value)
        }
        return nil
    }

    /// The values of all query parameters of that name, ASCII case ignored, as they were sent: for
    /// names and values with nothing in them that a client escapes.
    public func rawQueryValues(named name: String) -> [String] {
        guard let queryRange = head.queryRange else { return [] }
        var values: [String] = []
        for (rawName, value) in QueryPairs(bytes[queryRange.indices])
        where rawName.count == name.utf8.count
            && rawName.elementsEqual(name.utf8, by: { $0.lowercased == $1.lowercased })
        {
            values.append(String(decoding: value, as: UTF8.self))
        }
        return values
    }

    /// The bytes of `path`.
    var pathBytes: ArraySlice<UInt8> {
        if !head.pathRange.isEmpty { return bytes[head.pathRange.indices] }
        return method == .options && head.queryRange == nil ? [.asterisk] : [.slash]
    }

    /// Whether the path is `prefix` or lies below it, ASCII case ignored: `/api` has `/api/orders`
    /// and not `/apis`.
    public func isBelow(_ prefix: String) -> Bool { pathBytes.isPath(below: prefix) }

    // MARK: Fields

    /// The value of the first field of that name.
    public func header(_ name: HeaderName) -> String? { head.first(name).map(text) }

    /// The same for any name, ASCII case ignored.
    public func header(named name: String) -> String? {
        for field in head.fields
        where bytes[field.nameRange.indices].elementsEqual(
            name.utf8, by: { $0.lowercased == $1.lowercased })
        {
            return text(field.valueRange)
        }
        return nil
    }

    /// The values of all fields of that name, one element per line, ASCII case ignored.
    public func headers(named name: String) -> [String] {
        head.fields.compactMap { field in
            let fieldName = bytes[field.nameRange.indices]
            let isNamed = fieldName.elementsEqual(
                name.utf8, by: { $0.lowercased == $1.lowercased })
            return isNamed ? text(field.valueRange) : nil
        }
    }

    /// Fields of that name; more than one where only one makes sense is a reason to refuse.
    public func headerCount(_ name: HeaderName) -> Int { head.count(of: name) }

    /// The bytes of the first field of that name, without a string.
    public func headerBytes(_ name: HeaderName) -> ArraySlice<UInt8>? {
        head.first(name).map { bytes[$0.indices] }
    }

    /// Whether a comma-separated field, in one line or several, lists `token`, which is given in
    /// lower case.
    public func lists(_ token: StaticString, in name: HeaderName) -> Bool {
        head.lists(token, in: name, of: bytes.span)
    }

    private func text(_ range: ByteRange) -> String {
        String(decoding: bytes[range.indices], as: UTF8.self)
    }
}

extension Request {
    /// A request as a peer could have sent it, for the tests of handlers; traps if it is malformed.
    /// Host is added unless `fields` has one.
    public static func sample(
        _ method: String, _ target: String, fields: [(String, String)] = [],
        body: [UInt8] = [], peer: PeerAddress = samplePeer, ingress: Ingress = Ingress()
    ) -> Request {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        if !fields.contains(where: { $0.0.lowercased() == "host" }) { text += "Host: test\r\n" }
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        let bytes = Array((text + "\r\n").utf8)
        var parser = RequestParser(limits: HTTPLimits())
        guard case .complete(let head) = parser.parse(bytes.span) else {
            preconditionFailure("malformed sample request: \(text)")
        }
        var traces = TraceSource(seed: 1)
        var request = Request(
            head: head, bytes: bytes, peer: peer, isEncrypted: false, ingress: ingress,
            traces: &traces)
        request.body = body
        return request
    }

    /// Who sends the samples.
    public static let samplePeer = PeerAddress(ip: IPAddress("127.0.0.1")!, port: 1)

    /// A GET of that target.
    public static func sample(_ target: String, fields: [(String, String)] = []) -> Request {
        sample("GET", target, fields: fields)
    }
}

extension String {
    fileprivate var isAccessToken: Bool { lowercased() == "access_token" }
}
