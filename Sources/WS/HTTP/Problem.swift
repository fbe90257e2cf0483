// Problem: the body of every error answer.
//
//   {"type":"https://httpstatuses.com/404","title":"Not Found","status":404,
//    "detail":"Order not found.","instance":"/api/orders/7","traceId":"00-…-…-01"}
//
// Thread: a pure value.  Allocates: the body.
// Source: RFC 9457 §3; RFC 9110 §10.2.3 (Retry-After); the replaced server's members.

import Loop

/// What went wrong, for the client's programmer.
public struct Problem: Sendable {
    public var status: HTTPStatus
    /// The reason phrase of the status if nil.
    public var title: String?
    public var detail: String?
    /// Messages by input member, in the order given.
    public var errors: [(member: String, messages: [String])]

    public init(
        _ status: HTTPStatus, title: String? = nil, detail: String? = nil,
        errors: [(member: String, messages: [String])] = []
    ) {
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
    }

    /// The answer to `request`. `instance` is its target, with any access token redacted.
    public func response(to request: Request) -> Response {
        response(instance: request.redactedTarget, trace: request.trace)
    }

    /// The same, with the word when another try may do better: whole seconds, at least one.
    public func response(to request: Request, retryAfter wait: Duration) -> Response {
        var response = response(to: request)
        response.add("Retry-After", String(max(1, (wait.milliseconds + 999) / 1000)))
        return response
    }

    /// - Parameter instance: nil where the request could not be read.
    func response(instance: String?, trace: TraceContext) -> Response {
        var body: [UInt8] = []
        body.append("{\"type\":\"https://httpstatuses.com/")
        body.append(decimal: status.rawValue)
        body.append("\",\"title\":")
        body.append(jsonString: title ?? status.reasonPhrase.description)
        body.append(",\"status\":")
        body.append(decimal: status.rawValue)
        if let detail {
            body.append(",\"detail\":")
            body.append(jsonString: detail)
        }
        if let instance {
            body.append(",\"instance\":")
            body.append(jsonString: instance)
        }
        body.append(",\"traceId\":")
        body.append(jsonString: trace.text)
        if !errors.isEmpty { appendErrors(to: &body) }
        body.append(UInt8(ascii: "}"))
        return Response(status, contentType: "application/problem+json", body: body)
    }

    private func appendErrors(to body: inout [UInt8]) {
        body.append(",\"errors\":{")
        for (index, error) in errors.enumerated() {
            if index > 0 { body.append(.comma) }
            body.append(jsonString: error.member)
            body.append(":[")
            for (index, message) in error.messages.enumerated() {
                if index > 0 { body.append(.comma) }
                body.append(jsonString: message)
            }
            body.append(UInt8(ascii: "]"))
        }
        body.append(UInt8(ascii: "}"))
    }
}

extension HTTPError {
    /// The answer to a request that was refused.
    ///
    /// - Parameter request: nil if its head could not be read.
    func response(to request: Request?, trace: TraceContext) -> Response {
        let problem = Problem(status, detail: detail.description)
        var response = problem.response(instance: request?.redactedTarget, trace: trace)
        // RFC 9110 §15.5.6: a 405 says what is allowed.
        if self == .connectRefused {
            response.add("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
        }
        return response
    }
}
