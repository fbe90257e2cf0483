// StreamAnswer: writes the answer of a handler that has taken its HTTP connection over.
//
//   head(200) ─▶ the bytes in front of a body that ends with the connection
//   whole(409) ─▶ all of an ordinary answer, after which the connection is closed
//
// Thread: the connection's loop.  Allocates: the bytes.  Source: RFC 9112 §6.3.

public struct StreamAnswer {
    private let server: HTTPServer
    private let request: Request
    private let span: TraceSpan?

    init(server: HTTPServer, request: Request, span: TraceSpan?) {
        self.server = server
        self.request = request
        self.span = span
    }

    /// Called once, instead of `whole`. The response has no body.
    public func head(_ response: Response) -> [UInt8] { write(response, .untilClose) }

    /// Called once, instead of `head`.
    public func whole(_ response: Response) -> [UInt8] { write(response, .length) + response.body }

    private func write(_ response: Response, _ framing: ResponseWriter.Framing) -> [UInt8] {
        var response = response
        server.policy(for: request)?.decorate(&response, to: request)
        var bytes: [UInt8] = []
        ResponseWriter.appendHead(
            of: response, version: request.version, keepsAlive: false, date: server.dateBytes,
            framing: framing, to: &bytes)
        server.count(response.status)
        server.end(span, with: response)
        return bytes
    }
}
