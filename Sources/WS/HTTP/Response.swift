// Response: what a handler answers, as a value that may come from any thread.
//
// Thread: a pure value.  Allocates: its arrays.  Source: RFC 9110 §6, §15.

/// Status, fields and body. Framing and connection fields are the server's and not given here.
public struct Response: Sendable {
    public struct Field: Sendable {
        public let name: String
        public let value: String
    }

    public var status: HTTPStatus
    public private(set) var fields: [Field] = []
    public var body: [UInt8]

    /// An answer with a body of the given type, or with none.
    public init(_ status: HTTPStatus, contentType: StaticString? = nil, body: [UInt8] = []) {
        self.status = status
        self.body = body
        if let contentType { add("Content-Type", contentType.description) }
    }

    /// `application/json; charset=utf-8`, as the replaced server sends it.
    public static func json(_ body: [UInt8], status: HTTPStatus = .ok) -> Response {
        Response(status, contentType: "application/json; charset=utf-8", body: body)
    }

    public static func text(_ body: StaticString, status: HTTPStatus = .ok) -> Response {
        Response(
            status, contentType: "text/plain",
            body: Array(UnsafeBufferPointer(start: body.utf8Start, count: body.utf8CodeUnitCount)))
    }

    /// This process is going down; whoever comes again in a second comes to another one.
    public static var leaving: Response {
        var response = Response(.serviceUnavailable)
        response.add("Retry-After", "1")
        return response
    }

    /// Adds a field; its name is a token, written by us. A control byte in the value is sent as a space, so that text of a user cannot
    /// end the line and begin another (response splitting).
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// The first value of that name, given in the spelling it was added with.
    public func header(_ name: String) -> String? {
        fields.first { $0.name == name }?.value
    }
}
