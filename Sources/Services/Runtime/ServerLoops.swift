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
            try loops.start(count: threadCount, limits: limits) { [listeners] reactor, _ in
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
