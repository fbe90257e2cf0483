// UpgradeDecision+WebSocket: from a request on an upgrade path to the connection that speaks WebSocket.
//
//   router.upgrade("/path") { .webSocket($0) { MyConnection() } }
//
// Thread: the connection's loop.  Allocates: the answer and the handler.  Source: RFC 6455 §4.2.

import Loop

extension WebSocketUpgrade {
    /// The outcome of an opening handshake for HTTP.
    public enum Handshake {
        /// The whole 101 response.
        case accepted(head: [UInt8])
        case refused(Response)
    }

    /// Checks the opening handshake of `request`.
    ///
    /// - Parameter allowedOrigins: as `answer` takes them; nil allows all.
    public static func check(
        _ request: Request, allowedOrigins: Set<String>? = nil
    ) -> Handshake {
        let answer = answer(
            method: request.methodText, isHTTP11: request.version == .http11,
            allowedOrigins: allowedOrigins, headerValues: request.headers(named:))
        switch answer {
        case .accepted(let head): return .accepted(head: head)
        case .refused(let status, let headers):
            guard let status = HTTPStatus(rawValue: status) else {
                preconditionFailure("\(status) is not a status of ours")
            }
            var response = Response(status)
            for (name, value) in headers { response.add(name, value) }
            return .refused(response)
        }
    }
}

extension UpgradeDecision {
    /// Checks the opening handshake of `request` and, if it is good, gives the connection away.
    ///
    /// - Parameters:
    ///   - allowedOrigins: as `WebSocketUpgrade.answer` takes them; nil allows all.
    ///   - makeHandler: called if the handshake is good; makes what the connection is handed to.
    public static func webSocket(
        _ request: Request, allowedOrigins: Set<String>? = nil,
        makeHandler: () -> ConnectionHandler
    ) -> UpgradeDecision {
        switch WebSocketUpgrade.check(request, allowedOrigins: allowedOrigins) {
        case .accepted(let head): .accept(head: head, handler: makeHandler())
        case .refused(let response): .refuse(response)
        }
    }
}
