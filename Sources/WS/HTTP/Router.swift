// Router: which handler answers a request.
//
//   upgrade path and "Upgrade: websocket" ─▶ UpgradeDecision
//   stream path and "Accept: text/event-stream" ─▶ StreamDecision
//   path and method                       ─▶ handler       (HEAD goes where GET goes)
//   path with other methods               ─▶ 405 with Allow, no body
//   nothing                               ─▶ fallback (static files), else 404, no body
//   any of them, under pressure           ─▶ turned away (TurnedAway)
//
// Built once per loop; a dozen routes are walked in the order they were added, first match wins.
//
// Thread: one loop.  Allocates: path parameters.  Source: RFC 9110 §9.1, §9.3.2, §15.5.6.

import Loop

/// What becomes of a request to switch protocols.
public enum UpgradeDecision {
    /// An ordinary answer; the connection stays with HTTP.
    case refuse(Response)
    /// `head` is the whole 101 response, sent as it is. `handler` then has the connection, and the
    /// bytes that followed the request.
    case accept(head: [UInt8], handler: ConnectionHandler)
}

/// What becomes of a request for an answer without an end.
public enum StreamDecision {
    case refuse(Response)
    /// The connection is the handler's, which answers as it likes and closes.
    case accept(makeHandler: (StreamAnswer) -> ConnectionHandler)
}

/// Runs on the loop, with the whole body read. It must not block; it may answer later through its
/// responder.
public typealias RouteHandler = (Request, PathParameters, Responder) -> Void

/// Runs on the loop and decides at once.
public typealias UpgradeHandler = (Request) -> UpgradeDecision

/// Runs on the loop and decides at once.
public typealias StreamHandler = (Request) -> StreamDecision

/// The routes of one loop.
public struct Router {
    struct Route {
        let method: HTTPMethod
        let pattern: RoutePattern
        /// The pattern as text without its constraints: "/api/orders/{id}".
        let template: String
        /// Bytes; nil is the server's limit.
        let bodyByteCountMax: Int?
        let watchesPeer: Bool
        let urgency: RequestUrgency
        let handler: RouteHandler
    }

    enum Match {
        case route(Route, PathParameters)
        case upgrade(UpgradeHandler)
        case stream(StreamHandler)
        /// 405; the value of Allow.
        case methodNotAllowed(allow: String)
        /// The path upgrades only, and the request does not.
        case upgradeRequired
        /// 501 (RFC 9110 §9.1).
        case unknownMethod
        /// `OPTIONS *`: about the server as a whole.
        case serverOptions
        case notFound
        /// There is no time for it now, or it comes too often.
        case turnedAway(TurnedAway)

        var urgency: RequestUrgency {
            if case .route(let route, _) = self { route.urgency } else { .ordinary }
        }
    }

    private var routes: [Route] = []
    private var upgrades: [(pattern: RoutePattern, handler: UpgradeHandler)] = []
    private var streams: [(pattern: RoutePattern, handler: StreamHandler)] = []
    private var fallbackHandler: (Request) -> Response? = { _ in nil }

    public init() {}

    // MARK: Building

    /// Adds a route.
    ///
    /// - Parameters:
    ///   - path: see `RoutePattern`; traps if malformed.
    ///   - bodyByteCountMax: bytes; nil is `HTTPLimits.bodyByteCountMax`.
    ///   - watchesPeer: its responders may be asked to tell when nobody waits any more.
    ///   - urgency: whether it is answered when others are turned away.
    public mutating func on(
        _ method: HTTPMethod, _ path: String, bodyByteCountMax: Int? = nil,
        watchesPeer: Bool = false, urgency: RequestUrgency = .ordinary,
        _ handler: @escaping RouteHandler
    ) {
        precondition(method != .head && method != .other, "HEAD is served by GET's route")
        routes.append(
            Route(
                method: method, pattern: RoutePattern(path),
                template: path.split(separator: ":long").joined(),
                bodyByteCountMax: bodyByteCountMax, watchesPeer: watchesPeer, urgency: urgency,
                handler: handler))
    }

    /// Gives requests on `path` that carry `Upgrade: websocket`, whatever their method, to `handler`.
    public mutating func upgrade(_ path: String, _ handler: @escaping UpgradeHandler) {
        upgrades.append((RoutePattern(path), handler))
    }

    /// Gives GET requests on `path` that accept `text/event-stream` to `handler`.
    public mutating func stream(_ path: String, _ handler: @escaping StreamHandler) {
        streams.append((RoutePattern(path), handler))
    }

    /// Asked for what no route has; nil is 404.
    public mutating func fallback(_ handler: @escaping (Request) -> Response?) {
        fallbackHandler = handler
    }

    // MARK: Matching

    func match(_ request: Request) -> Match {
        let path = request.pathBytes
        if request.method == .other { return .unknownMethod }
        if path.first == .asterisk { return .serverOptions }
        let upgrade = upgrades.first { $0.pattern.match(path) != nil }
        if let upgrade, request.lists("websocket", in: .upgrade) {
            return .upgrade(upgrade.handler)
        }

        if request.method == .get, !streams.isEmpty,
            request.lists("text/event-stream", in: .accept),
            let stream = streams.first(where: { $0.pattern.match(path) != nil })
        {
            return .stream(stream.handler)
        }

        let wanted = request.method == .head ? .get : request.method
        var allowed: [HTTPMethod] = []
        for route in routes {
            guard let parameters = route.pattern.match(path) else { continue }
            if route.method == wanted { return .route(route, parameters) }
            if !allowed.contains(route.method) { allowed.append(route.method) }
        }
        if upgrade != nil && wanted == .get { return .upgradeRequired }
        if upgrade != nil && !allowed.contains(.get) { allowed.append(.get) }
        return allowed.isEmpty ? .notFound : .methodNotAllowed(allow: Self.allow(allowed))
    }

    private static func allow(_ methods: [HTTPMethod]) -> String {
        var names = methods.map(\.text.description)
        if methods.contains(.get) { names.append("HEAD") }
        return names.joined(separator: ", ")
    }

    /// The answer where no handler has the say.
    func answer(_ match: Match, to request: Request) -> Response {
        switch match {
        case .route, .upgrade, .stream: preconditionFailure("a handler has the say")
        case .methodNotAllowed(let allow):
            var response = Response(.methodNotAllowed)
            response.add("Allow", allow)
            return response
        case .upgradeRequired:
            var response = Response(.upgradeRequired)
            response.add("Upgrade", "websocket")
            return response
        case .unknownMethod: return Response(.notImplemented)
        case .serverOptions: return Response(.noContent)
        case .notFound: return fallbackHandler(request) ?? Response(.notFound)
        case .turnedAway(let reason): return reason.response(to: request)
        }
    }
}
