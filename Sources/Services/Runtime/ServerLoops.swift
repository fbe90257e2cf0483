// ServerLoops: what each loop of the server serves.
//
//   router: health ─ dev token ─ API ─ hub ─ shop (whatever is left)
//
// Thread: main; each loop's set-up on its own thread.

import Glibc
import Hub
import Loop
import WS

extension Server {
    /// Starts the loops, which serve nobody yet.
    static func startLoops(
        _ loops: LoopGroup, count: Int, _ limits: Limits
    ) throws(EngineError) -> [LoopJobs] {
        let started = Monitor<[LoopJobs]>([])
        do {
            try loops.start(count: count, limits: limits) { reactor, _ in
                let jobs = LoopJobs(on: reactor)
                started.update { $0.append(jobs) }
            }
            return started.withLock { $0 }
        } catch {
            throw EngineError(code: .failure, reason: "\(error)")
        }
    }

    /// Has the loops listen.
    ///
    /// - Returns: the bound URLs, http first.
    func listen(api: OrderAPI?, hub: HubServer?) throws(EngineError) -> [String] {
        let site = Site(
            configuration: configuration, api: api, hub: hub, authenticator: authenticator,
            readiness: readiness,
            liveness: Liveness(watch: watch, disks: engines.disks), shop: shop,
            tracer: telemetry.tracer)
        let http = site.httpConfiguration
        do {
            for (number, jobs) in loopJobs.enumerated() {
                try jobs.make { [listeners, probes, watch] (reactor) throws(ListenError) in
                    let hubLoop = site.hub.map { HubLoop(server: $0, reactor: reactor) }
                    let server = HTTPServer(
                        reactor: reactor, router: site.makeRouter(hubLoop),
                        configuration: http)
                    watch.add(reactor.pulse)
                    probes.add(reactor, number: number, http: server, hub: hubLoop)
                    try listeners.listen(on: reactor, server)
                    if Sabotage.isOn(.lateLoops) {
                        reactor.every(.milliseconds(100)) { usleep(500_000) }
                    }
                }
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
    let liveness: Liveness
    let shop: ShopPages?
    let tracer: Tracer

    /// S1 calls it /hubs/orders, everybody else /hubs/order-status: one hub, two paths.
    private static let hubPaths = ["/hubs/order-status", "/hubs/orders"]

    var httpConfiguration: HTTPConfiguration {
        var http = HTTPConfiguration()
        http.limits = configuration.httpLimits
        http.ingress = configuration.ingress
        http.corsPolicies = CORSPolicies.policies(origins: configuration.corsOrigins)
        http.tracing.tracer = tracer
        http.addressRates = configuration.admission.addressRequestRate.map { RateTable($0) }
        let age = configuration.tls.strictTransportAge.components.seconds
        if age > 0 { http.strictTransportSecurity = "max-age=\(age)" }
        return http
    }

    func makeRouter(_ hubLoop: HubLoop?) -> Router {
        var router = Router()
        HealthEndpoints.addRoutes(to: &router, readiness: readiness, liveness: liveness)
        if configuration.isDevelopment {
            DevTokenEndpoint.addRoute(to: &router, tokens: DevTokens(configuration))
        }
        api?.addRoutes(to: &router)
        if let hubLoop {
            let endpoint = HubEndpoint(loop: hubLoop) { request in authenticate(request) }
            endpoint.mount(on: &router, paths: Self.hubPaths)
        }
        if let shop { router.fallback { request in shop.response(to: request) } }
        return router
    }

    /// Browsers cannot set headers on a WebSocket, so the hub takes the token from the query too.
    private func authenticate(_ request: Request) -> HubAuthentication {
        do throws(TokenError) {
            let principal = try authenticator.authenticate(
                request, queryToken: request.query("access_token"))
            return .accepted(
                AuthenticatedUser(userID: principal.user, expiresAt: principal.expiresAt))
        } catch {
            var response = Response(.unauthorized)
            response.add("WWW-Authenticate", "Bearer")
            return .refused(response)
        }
    }
}
