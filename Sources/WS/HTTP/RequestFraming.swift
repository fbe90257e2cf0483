// RequestFraming: what the fields of a request say together: its host, its body's end, whether a
// "100 Continue" is waited for, and whether the connection lives on.
//
// Thread: pure functions.  Allocates: never.  Source: RFC 9112 §3.2, §9.3; RFC 9110 §10.1.1.

enum RequestFraming {
    /// Checks Host, framing, expectation and persistence, and writes them into the head.
    static func settle(
        _ head: inout RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        try checkHost(head, bytes)
        head.framing = try BodyFraming(head.fields, version: head.version, bytes)
        head.expectsContinue = try expectation(of: head, bytes)
        let closes = head.lists("close", in: .connection, of: bytes)
        switch head.version {
        case .http11: head.keepsAlive = !closes
        case .http10:
            head.keepsAlive = !closes && head.lists("keep-alive", in: .connection, of: bytes)
        }
    }

    /// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1; none is fine in HTTP/1.0.
    private static func checkHost(
        _ head: RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        if head.count(of: .host) > 1 { throw .duplicateHost }
        guard let host = head.first(.host) else {
            if head.version == .http11 { throw .missingHost }
            return
        }
        if !RequestTarget.isHost(host, bytes) { throw .malformedHost }
    }

    /// RFC 9110 §10.1.1: HTTP/1.0 has no expectations, and there is no other than 100-continue.
    private static func expectation(
        of head: RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) -> Bool {
        guard head.version == .http11 else { return false }
        var expects = false
        let known: StaticString = "100-continue"
        for field in head.fields where field.name == .expect {
            guard known.equalsIgnoringCase(bytes, field.valueRange) else {
                throw .unsupportedExpectation
            }
            expects = true
        }
        return expects && head.framing != .none && head.framing != .length(0)
    }
}
