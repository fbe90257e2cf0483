// ServerLoops: what each loop of the server serves.
//
//   router: health ─ dev token ─ API ─ hub ─ shop (whatever is left)
//
// Thread: `startLoops` on main; each loop's set-up on its own thread.

import Hub
import Loop
import WS

extension Server {
    /// Starts the loops with their listeners.
    ///
    /// - Returns: the bound URLs, http first.
    func startLoops(
        _ limits: Limits, api: OrderAPI?, hub: HubServer?
    ) throws(EngineError) -> [String] {
        let site = Site(
            configuration: configuration, api: api, hub: hub, authenticator: authenticator,
            readiness: readiness, shop: shop)
        do {
            let listeners = try Listeners(configuration, identity: identity)
            try loops.start(count: threadCount, limits: limits) { reactor, _ in
                let server = HTTPServer(
                    reactor: reactor, router: site.makeRouter(on: reactor),
                    configuration: site.httpConfiguration)
                try listeners.listen(on: reactor, server)
            }
            return listeners.urls
        } catch {
            throw EngineError(code: .failure, reason: "\(error)")
        }
    }
}

/// The routes, made anew for every loop.
private struct Site: Sendable {
    let configuration: Configuration
    let api: OrderAPI?
    let hub: HubServer?
    let authenticator: Authenticator
    let readiness: Readiness
    let shop: ShopPages?

    /// S1 calls it /hubs/orders, everybody else /hubs/order-status: one hub, two paths.
    private static let hubPaths = ["/hubs/order-status", "/hubs/orders"]

    var httpConfiguration: HTTPConfiguration {
        var http = HTTPConfiguration()
        http.limits.bodyByteCountMax = configuration.bodyByteCountMax
        http.corsPolicies = CORSPolicies.policies(origins: configuration.corsOrigins)
        return http
    }

    func makeRouter(on reactor: Reactor) -> Router {
        var router = Router()
        HealthEndpoints.addRoutes(to: &router, readiness: readiness)
        if configuration.isDevelopment {
            DevTokenEndpoint.addRoute(to: &router, tokens: DevTokens(configuration))
        }
        api?.addRoutes(to: &router)
        if let hub {
            let endpoint = HubEndpoint(loop: HubLoop(server: hub, reactor: reactor)) { request in
                authenticate(request)
            }
            endpoint.mount(on: &router, paths: Self.hubPaths)
        }
        if let shop { router.fallback { request in shop.response(to: request) } }
        return router
    }

    /// Browsers cannot set headers on a WebSocket, so the hub takes the token from the query too.
    private func authenticate(_ request: Request) -> HubAuthentication {
        do throws(TokenError) {
            let principal = try authenticator.authenticate(
                authorization: request.header(.authorization),
                queryToken: request.query("access_token"))
            return .accepted(
                AuthenticatedUser(userID: principal.user, expiresAt: principal.expiresAt))
        } catch {
            var response = Response(.unauthorized)
            response.add("WWW-Authenticate", "Bearer")
            return .refused(response)
        }
    }
}

/// The addresses of the process; port 0 becomes the port that the first loop was given.
private final class Listeners: Sendable {
    private struct Entry {
        let scheme: String
        let identity: TLSIdentity?
        var address: ListenAddress
        var bound: String?
    }

    private let entries: Monitor<[Entry]>

    /// Throws if a port is taken.
    init(_ configuration: Configuration, identity: TLSIdentity?) throws(ListenError) {
        var entries: [Entry] = []
        if let address = configuration.http {
            entries.append(Entry(scheme: "http", identity: nil, address: address))
        }
        if let address = configuration.https {
            entries.append(Entry(scheme: "https", identity: identity, address: address))
        }
        for entry in entries {
            try Reactor.checkPortIsFree(host: entry.address.host, port: entry.address.port)
        }
        self.entries = Monitor(entries)
    }

    func listen(on reactor: Reactor, _ server: HTTPServer) throws {
        try entries.update { entries in
            for position in entries.indices {
                let entry = entries[position]
                let bound = try reactor.listen(
                    host: entry.address.host, port: entry.address.port, identity: entry.identity
                ) { _ in server.makeHandler() }
                entries[position].bound = bound
                let digits = bound.split(separator: ":").last ?? ""
                entries[position].address.port = UInt16(digits) ?? entry.address.port
            }
        }
    }

    /// With the host as it was configured: "localhost" is what the certificate names.
    var urls: [String] {
        entries.update { entries in
            entries.map { "\($0.scheme)://\($0.address)" }
        }
    }
}
