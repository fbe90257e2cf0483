// UpgradeDecision+WebSocket: from a request on an upgrade path to the connection that speaks WebSocket.
//
// Thread: the connection's loop.  Allocates: the answer and the handler.  Source: RFC 6455 §4.2.

import Loop

extension UpgradeDecision {
    /// Checks the opening handshake of `request`.
    ///
    /// - Parameters:
    ///   - allowedOrigins: as `WebSocketUpgrade.answer` takes them; nil allows all.
    ///   - makeHandler: called if the handshake is good; makes what the connection is handed to.
    public static func webSocket(
        _ request: Request, allowedOrigins: Set<String>? = nil,
        makeHandler: () -> ConnectionHandler
    ) -> UpgradeDecision {
        let answer = WebSocketUpgrade.answer(
            method: request.methodText, isHTTP11: request.version == .http11,
            allowedOrigins: allowedOrigins, headerValues: request.headers(named:))
        switch answer {
        case .accepted(let head): return .accept(head: head, handler: makeHandler())
        case .refused(let status, let headers):
            // The handshake names only statuses that HTTPStatus has.
            var response = Response(HTTPStatus(rawValue: status)!)
            for (name, value) in headers { response.add(name, value) }
            return .refuse(response)
        }
    }
}
