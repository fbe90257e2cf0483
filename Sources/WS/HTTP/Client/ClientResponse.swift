// ClientResponse: what another server has answered, complete.
//
// Thread: a pure value.  Allocates: its texts and its bytes.  Source: RFC 9110 §15.

public struct ClientResponse: Sendable {
    /// 200...599; an interim response never gets here.
    public let status: Int
    /// Names in lower case, in their order.
    public let fields: [(name: String, value: String)]
    /// Without transfer coding.
    public let body: [UInt8]

    public init(status: Int, fields: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The first value of that name, given in lower case.
    public func header(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// One of the statuses that mean "look elsewhere" (RFC 9110 §15.4); 300 and 304 do not.
    var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
}
