// Upgrade+Request: the opening handshake as a route of the HTTP server.
//
//   Router.upgrade("/path") { request in WebSocketUpgrade.decide(request) { MyConnection() } }
//
// Thread: the loop's.  Allocates: strings and the handler, once per connection.

extension WebSocketUpgrade {
    /// Checks the handshake of `request` and, if it is good, gives the connection to a new handler.
    ///
    /// - Parameters:
    ///   - allowedOrigins: as for `answer`.
    ///   - makeHandler: called only if the handshake is good.
    public static func decide(
        _ request: Request, allowedOrigins: Set<String>? = nil, makeHandler: () -> WSConnection
    ) -> UpgradeDecision {
        let answer = answer(
            method: request.methodText, isHTTP11: request.version == .http11,
            allowedOrigins: allowedOrigins
        ) { request.values(ofFieldsNamed: $0) }
        switch answer {
        case .accepted(let head): return .accept(head: head, handler: makeHandler())
        case .refused(let status, let headers):
            guard let status = HTTPStatus(rawValue: status) else {
                preconditionFailure("\(status) is not a status of ours")
            }
            var response = Response(status)
            for (name, value) in headers { response.add(name, value) }
            return .refuse(response)
        }
    }
}

extension Request {
    /// One element per field line of that name, which is given in lower case.
    fileprivate func values(ofFieldsNamed name: String) -> [String] {
        head.fields.compactMap { field in
            guard
                bytes[field.nameRange.indices].elementsEqual(
                    name.utf8, by: { $0.lowercased == $1 })
            else { return nil }
            return String(decoding: bytes[field.valueRange.indices], as: UTF8.self)
        }
    }
}
