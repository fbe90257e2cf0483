// HubEndpoint: the hub's paths on a router.
//
//   POST {path}/negotiate ─▶ ids and transports                       other methods ─▶ 405
//   GET  {path}?id=…  with Upgrade: websocket            ─▶ 101, HubSocket
//                     with Accept: text/event-stream     ─▶ 200, EventStream
//                     else                               ─▶ a poll
//   POST, DELETE {path}?id=…                             ─▶ bytes for, the end of, a connection
//
// Authentication comes first on every path, before any id is looked at. A token is its user's: with
// another one's it is as good as none. Then comes whether there may be one more connection.
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
    private var tokens: ConnectionTokens { loop.server.tokens }

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
            router.stream(path) { request in stream(request) }
            for method in [HTTPMethod.get, .post, .delete] {
                router.on(method, path, watchesPeer: method == .get) { request, _, responder in
                    serve(request, responder)
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
        let user: AuthenticatedUser
        switch authenticate(request) {
        case .refused(let response): return response
        case .accepted(let accepted): user = accepted
        }
        if loop.isDraining { return .leaving }
        if let refusal = tooFast(user, request) { return refusal }
        var transports = options.transports
        let hasRoomForSessions = loop.server.admission.hasRoomForSessions
        if !hasRoomForSessions {
            loop.count(.sessions)
            transports.removeAll { $0 != .webSockets }
            if transports.isEmpty { return Self.sessionsFull(request) }
        }
        let body: [UInt8]
        do {
            let version = try Negotiate.version(
                Self.value("negotiateVersion", of: request),
                versionMin: options.negotiateVersionMin)
            let isResumable =
                version > 0 && options.allowsStatefulReconnect && hasRoomForSessions
                && Self.value("useStatefulReconnect", of: request)?.lowercased() == "true"
            body = Negotiate.answer(
                version: version,
                ids: tokens.make(version: version, user: user.userID, isResumable: isResumable),
                transports: transports, isResumable: isResumable)
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
        let deflate: DeflateAgreement?
        let handshake = WebSocketUpgrade.check(
            request, allowedOrigins: options.allowedOrigins, deflate: loop.deflate)
        switch handshake {
        case .refused(let response): return .refuse(response)
        case .accepted(let answer, let agreement): (head, deflate) = (answer, agreement)
        }
        guard options.transports.contains(.webSockets) else {
            return .refuse(Self.unsupported(.webSockets))
        }
        var claim: ConnectionClaim?
        if let id = Self.value("id", of: request) {
            do throws(ConnectionTokens.Refusal) {
                claim = try tokens.claim(id, user: user.userID)
            } catch {
                guard let handler = handlerToResume(id, user, deflate) else {
                    return .refuse(Self.refusal(error, .webSockets))
                }
                return .accept(head: head, handler: handler)
            }
        }
        // Without a negotiation it is the upgrade that asks.
        if claim == nil, let refusal = tooFast(user, request) { return .refuse(refusal) }
        let isResumable = claim?.isResumable == true && options.allowsStatefulReconnect
        if let refusal = enter(user, asSession: isResumable, request) { return .refuse(refusal) }
        let connection = HubConnection(
            loop: loop, claim: claim, user: user, transport: .webSockets, isSession: isResumable,
            request: request)
        if isResumable {
            connection.link = .resumable(
                Resumption(byteCountHigh: options.statefulByteCountHigh))
        }
        let socket = HubSocket(
            session: connection, limits: options.webSocket, deflate: deflate)
        return .accept(head: head, handler: socket)
    }

    /// A socket for a connection whose former one is broken, or will be found to be.
    private func handlerToResume(
        _ id: String, _ user: AuthenticatedUser, _ deflate: DeflateAgreement?
    ) -> ConnectionHandler? {
        guard let opened = try? tokens.open(id, user: user.userID), opened.isResumable else {
            return nil
        }
        let connectionID = opened.connectionID
        if let session = loop.resumable(connectionID) {
            return HubSocket(session: session, limits: options.webSocket, deflate: deflate)
        }
        if !loop.holds(connectionID), loop.server.loops.holds(.transport(connectionID)) {
            return RelaySocket(
                connectionID: connectionID, loop: loop, limits: options.webSocket,
                deflate: deflate)
        }
        return nil
    }

    // MARK: Server-sent events

    func stream(_ request: Request) -> StreamDecision {
        let user: AuthenticatedUser
        switch authenticate(request) {
        case .refused(let response): return .refuse(response)
        case .accepted(let accepted): user = accepted
        }
        guard options.transports.contains(.serverSentEvents) else {
            return .refuse(Self.unsupported(.serverSentEvents))
        }
        guard let id = Self.value("id", of: request) else { return .refuse(Self.idRequired) }
        let claim: ConnectionClaim
        do throws(ConnectionTokens.Refusal) {
            claim = try tokens.claim(id, user: user.userID, for: .serverSentEvents)
        } catch {
            return .refuse(Self.refusal(error, .serverSentEvents))
        }
        if let refusal = enter(user, asSession: true, request) { return .refuse(refusal) }
        let connection = HubConnection(
            loop: loop, claim: claim, user: user, transport: .serverSentEvents, isSession: true,
            request: request)
        return .accept { answer in EventStream(session: connection, answer: answer) }
    }

    /// 409 for a second transport of the same kind, 400 for one of another kind.
    private static func refusal(
        _ refusal: ConnectionTokens.Refusal, _ transport: HubTransport
    ) -> Response {
        switch refusal {
        case .unknown: response(.unknownID)
        case .inUse(transport): Response(.conflict, contentType: "text/plain")
        case .inUse: response(.otherTransport)
        }
    }

    // MARK: Polls, POSTs, DELETEs

    func serve(_ request: Request, _ responder: Responder) {
        let user: AuthenticatedUser
        switch authenticate(request) {
        case .refused(let response): return responder.respond(response)
        case .accepted(let accepted): user = accepted
        }
        let kind: TransportRequest.Kind
        switch request.method {
        case .get: kind = .poll
        case .post: kind = .send(request.body)
        case .delete: kind = .delete
        default:
            return responder.respond(Self.methodNotAllowed(allow: "GET, POST, DELETE"))
        }
        guard let id = Self.value("id", of: request) else {
            return responder.respond(Self.idRequired)
        }
        if kind == .poll, !options.transports.contains(.longPolling) {
            return responder.respond(Self.unsupported(.longPolling))
        }
        guard let opened = try? tokens.open(id, user: user.userID) else {
            return responder.respond(Self.response(.unknownID, isPoll: kind == .poll))
        }
        let transportRequest = TransportRequest(
            kind: kind, connectionID: opened.connectionID, requestID: tokens.makeConnectionID(),
            expiresAt: user.expiresAt)
        let abandonment = HubCancellation()
        if kind == .poll {
            let mailbox = loop.mailbox
            responder.onPeerGone {
                abandonment.cancel()
                mailbox.post(.abandoned(transportRequest))
            }
        }
        loop.route(
            TransportAttempt(
                request: transportRequest, token: id, user: user, httpRequest: request,
                abandonment: abandonment
            ) { answer in
                responder.respond(Self.response(answer ?? .unknownID, isPoll: kind == .poll))
            })
    }

    static func response(_ answer: TransportAnswer, isPoll: Bool = false) -> Response {
        guard let status = HTTPStatus(rawValue: answer.status) else {
            return Response(.internalServerError)
        }
        var response = Response(status, body: answer.body)
        if !answer.contentType.isEmpty { response.add("Content-Type", answer.contentType) }
        if status == .serviceUnavailable || status == .tooManyRequests {
            response.add("Retry-After", String(retrySeconds))
        }
        if isPoll {
            response.add("Cache-Control", "no-cache, no-store")
            response.add("Pragma", "no-cache")
            response.add("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
        }
        return response
    }

    // MARK: Admission

    /// Seconds after which a client that was kept out by a number of connections may try again.
    private static let retrySeconds = 5

    /// The user asks for connections faster than it may.
    private func tooFast(_ user: AuthenticatedUser, _ request: Request) -> Response? {
        guard let wait = loop.server.admission.ask(user: user.userID) else { return nil }
        loop.count(.connectRate)
        return Problem(.tooManyRequests, detail: "Too many connections; try again later.")
            .response(to: request, retryAfter: wait)
    }

    /// Counts a new connection in; an answer if it must not be.
    private func enter(
        _ user: AuthenticatedUser, asSession: Bool, _ request: Request
    ) -> Response? {
        switch loop.enter(user: user.userID, asSession: asSession) {
        case nil: nil
        case .sessions: Self.sessionsFull(request)
        default:
            Problem(.tooManyRequests, detail: "This user has too many connections.")
                .response(to: request, retryAfter: .seconds(Self.retrySeconds))
        }
    }

    private static func sessionsFull(_ request: Request) -> Response {
        Problem(.serviceUnavailable, detail: "Too many connections; try again later.")
            .response(to: request, retryAfter: .seconds(retrySeconds))
    }

    // MARK: Refusals

    private static let idRequired = Response.text("Connection ID required", status: .badRequest)

    private static func unsupported(_ transport: HubTransport) -> Response {
        let text = "\(transport.rawValue) transport not supported by this end point type"
        return Response(.notFound, contentType: "text/plain", body: Array(text.utf8))
    }

    private static func methodNotAllowed(allow: String) -> Response {
        var response = Response(.methodNotAllowed, contentType: "text/plain")
        response.add("Allow", allow)
        return response
    }

    // MARK: The query

    /// A parameter by its name without regard to case. A repeated one is joined, as ASP.NET does, and
    /// so is no integer and names nobody.
    private static func value(_ name: String, of request: Request) -> String? {
        let values = request.rawQueryValues(named: name)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }
}
