// HubEndpoint: the hub's paths on a router.
//
//   POST {path}/negotiate ─▶ ids and transports                       other methods ─▶ 405
//   GET  {path}?id=…  with Upgrade: websocket ─▶ 101, HubConnection
//   GET, POST, DELETE {path}?id=…  without    ─▶ the refusals of the transports we do not serve
//
// Authentication comes first on every path, before any id is looked at.
//
// Thread: one loop; built before it listens.  Allocates: answers, a connection per upgrade.
// Source: SignalR TransportProtocols; statuses and texts as .NET 8.

import Loop
import WS

/// Who a request comes from, as the host has found out.
public struct AuthenticatedUser: Equatable, Sendable {
    /// What `HubTarget.user` names.
    public let userID: String?
    /// The connection is closed then, with leave to reconnect; nil for never.
    public let expiresAt: WallTime?

    public init(userID: String?, expiresAt: WallTime? = nil) {
        self.userID = userID
        self.expiresAt = expiresAt
    }
}

/// What the host says about a request.
public enum HubAuthentication: Sendable {
    case accepted(AuthenticatedUser)
    /// 401 or 403, sent as it is.
    case refused(Response)
}

public struct HubEndpoint {
    private let loop: HubLoop
    private let authenticate: (Request) -> HubAuthentication
    private var options: HubOptions { loop.server.options }

    public init(loop: HubLoop, authenticate: @escaping (Request) -> HubAuthentication) {
        self.loop = loop
        self.authenticate = authenticate
    }

    /// Adds the hub's routes, the same hub on every path.
    public func mount(on router: inout Router, paths: [String]) {
        for path in paths {
            router.on(.post, path + "/negotiate") { request, _, responder in
                responder.respond(negotiate(request))
            }
            for method in [HTTPMethod.get, .put, .patch, .delete] {
                router.on(method, path + "/negotiate") { _, _, responder in
                    responder.respond(Self.methodNotAllowed(allow: "POST"))
                }
            }
            router.upgrade(path) { request in upgrade(request) }
            for method in [HTTPMethod.get, .post, .delete] {
                router.on(method, path) { request, _, responder in
                    responder.respond(refuse(request))
                }
            }
            for method in [HTTPMethod.put, .patch] {
                router.on(method, path) { _, _, responder in
                    responder.respond(Self.methodNotAllowed(allow: "GET, POST, DELETE"))
                }
            }
        }
    }

    // MARK: Negotiate

    func negotiate(_ request: Request) -> Response {
        if case .refused(let response) = authenticate(request) { return response }
        let values = request.rawQueryValues(named: "negotiateVersion")
        let body: [UInt8]
        do {
            // A repeated value is joined, as ASP.NET does, and so no integer.
            let text = values.isEmpty ? nil : values.joined(separator: ",")
            let version = try Negotiate.version(text, versionMin: options.negotiateVersionMin)
            body = Negotiate.answer(
                version: version, ids: loop.server.tokens.make(version: version),
                transports: options.transports)
        } catch {
            body = Negotiate.answer(error)
        }
        return Response(.ok, contentType: "application/json", body: body)
    }

    // MARK: WebSockets

    func upgrade(_ request: Request) -> UpgradeDecision {
        let user: AuthenticatedUser
        switch authenticate(request) {
        case .refused(let response): return .refuse(response)
        case .accepted(let accepted): user = accepted
        }
        let head: [UInt8]
        switch WebSocketUpgrade.check(request, allowedOrigins: options.allowedOrigins) {
        case .refused(let response): return .refuse(response)
        case .accepted(let accepted): head = accepted
        }
        guard options.transports.contains(.webSockets) else {
            return .refuse(Self.unsupported("WebSockets"))
        }
        let claim: ConnectionClaim?
        do {
            claim = try Self.id(of: request).map { id throws(ConnectionTokens.Refusal) in
                try loop.server.tokens.claim(id)
            }
        } catch {
            return .refuse(error == .inUse ? Self.inUse : Self.unknownID)
        }
        let connection = HubConnection(loop: loop, claim: claim, user: user)
        return .accept(head: head, handler: connection)
    }

    // MARK: What is not a WebSocket

    /// GET, POST and DELETE belong to transports that this hub does not offer.
    func refuse(_ request: Request) -> Response {
        if case .refused(let response) = authenticate(request) { return response }
        if request.method == .head { return Self.methodNotAllowed(allow: "GET, POST, DELETE") }
        guard let id = Self.id(of: request) else {
            return .text("Connection ID required", status: .badRequest)
        }
        guard loop.server.tokens.isKnown(id) else { return Self.unknownID }
        switch request.method {
        case .post:
            return .text(
                "POST requests are not allowed for WebSocket connections.",
                status: .methodNotAllowed)
        case .delete:
            return .text(
                "Cannot terminate this connection using the DELETE endpoint.", status: .badRequest)
        default:
            let wantsEvents = request.lists("text/event-stream", in: .accept)
            return Self.unsupported(wantsEvents ? "ServerSentEvents" : "LongPolling")
        }
    }

    private static let unknownID = Response.text("No Connection with that ID", status: .notFound)
    private static let inUse = Response(.conflict, contentType: "text/plain")

    private static func unsupported(_ transport: String) -> Response {
        let text = "\(transport) transport not supported by this end point type"
        return Response(.notFound, contentType: "text/plain", body: Array(text.utf8))
    }

    private static func methodNotAllowed(allow: String) -> Response {
        var response = Response(.methodNotAllowed, contentType: "text/plain")
        response.add("Allow", allow)
        return response
    }

    // MARK: The query

    /// The connection token. A repeated one is joined, as ASP.NET does, and so names nobody.
    private static func id(of request: Request) -> String? {
        let ids = request.rawQueryValues(named: "id")
        return ids.isEmpty ? nil : ids.joined(separator: ",")
    }
}
