// UpgradeDecision+WebSocket: from a request on an upgrade path to the connection that speaks WebSocket.
//
//   router.upgrade("/path") { .webSocket($0) { MyConnection() } }
//
// Thread: the connection's loop.  Allocates: the answer and the handler.  Source: RFC 6455 §4.2.

import Loop

extension WebSocketUpgrade {
    /// The outcome of an opening handshake for HTTP.
    public enum Handshake {
        /// The whole 101 response, and what the WebSocket's handler must know of it.
        case accepted(head: [UInt8], deflate: DeflateAgreement?)
        case refused(Response)
    }

    /// Checks the opening handshake of `request`.
    ///
    /// - Parameters:
    ///   - allowedOrigins: as `answer` takes them; nil allows all.
    ///   - deflate: of this loop; nil agrees to no compression.
    public static func check(
        _ request: Request, allowedOrigins: Set<String>? = nil, deflate: MessageDeflate? = nil
    ) -> Handshake {
        let answer = answer(
            method: request.methodText, isHTTP11: request.version == .http11,
            allowedOrigins: allowedOrigins, agreesToDeflate: deflate != nil,
            headerValues: request.headers(named:))
        switch answer {
        case .accepted(let head, let window):
            guard let deflate, let window else { return .accepted(head: head, deflate: nil) }
            return .accepted(
                head: head, deflate: DeflateAgreement(deflate: deflate, window: window))
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
        webSocket(request, allowedOrigins: allowedOrigins, deflate: nil) { _ in makeHandler() }
    }

    /// The same where messages may be compressed.
    ///
    /// - Parameters:
    ///   - deflate: of this loop; nil agrees to no compression.
    ///   - makeHandler: gets what was agreed on, for `WSConnection.init`.
    public static func webSocket(
        _ request: Request, allowedOrigins: Set<String>? = nil, deflate: MessageDeflate?,
        makeHandler: (DeflateAgreement?) -> ConnectionHandler
    ) -> UpgradeDecision {
        let handshake = WebSocketUpgrade.check(
            request, allowedOrigins: allowedOrigins, deflate: deflate)
        switch handshake {
        case .accepted(let head, let agreement):
            return .accept(head: head, handler: makeHandler(agreement))
        case .refused(let response): return .refuse(response)
        }
    }
}
