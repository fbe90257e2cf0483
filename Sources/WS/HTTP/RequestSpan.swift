// RequestSpan: the span of one request, from its complete head to its answer.
//
// Thread: one loop.  Allocates: per recorded request.
// Source: OpenTelemetry semantic conventions for HTTP server spans (stable).

import Loop

/// Which requests are recorded, and by whom.
public struct RequestTracing: Sendable {
    public var tracer = Tracer.off
    /// Requests on other paths are not: a probe's would drown all else.
    public var pathPrefix = "/api"
    public init() {}
}

extension HTTPServer {
    /// Nil unless a route answers the request and its trace is recorded.
    func beginSpan(of request: Request, _ match: Router.Match) -> TraceSpan? {
        let tracing = configuration.tracing
        guard tracing.tracer.isOn, case .route(let route, _) = match,
            request.isBelow(tracing.pathPrefix)
        else { return nil }
        return tracing.tracer.begin(
            .server, at: request.trace, parentID: request.caller?.spanID,
            "\(request.methodText) \(route.template)",
            [
                .string("http.request.method", request.methodText),
                .string("http.route", route.template),
                .string("url.path", request.path),
                .string("url.scheme", request.scheme.rawValue),
                .string("client.address", request.client.ip.description),
                .string("network.protocol.version", "1.1" as StaticString),
            ])
    }

    func end(_ span: TraceSpan?, with response: Response) {
        guard var span else { return }
        let status = response.status.rawValue
        span.add(.integer("http.response.status_code", status))
        if let id = response.header("X-Correlation-Id") { span.add(.correlation(id)) }
        // The client's faults are no errors of a server's span; its own are.
        guard status >= 500 else { return configuration.tracing.tracer.end(span) }
        span.add(.string("error.type", "\(status)"))
        configuration.tracing.tracer.end(span, error: "")
    }

    /// The connection ended before the answer.
    func endUnanswered(_ span: TraceSpan?) {
        guard var span else { return }
        span.add(.string("error.type", "connection_closed" as StaticString))
        configuration.tracing.tracer.end(span, error: "the connection ended before the answer")
    }
}
