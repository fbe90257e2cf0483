import Loop
import Testing

@testable import WS

@Suite struct RouterTests {
    private func parameters(_ pattern: String, _ path: String) -> [String]? {
        RoutePattern(pattern).match(Array(path.utf8)[...])?.values.map { "\($0.name)=\($0.value)" }
    }

    @Test func `literals ignore case and one slash at the end`() {
        for path in ["/api/orders", "/API/Orders", "/api/orders/", "/api/%6Frders"] {
            #expect(parameters("/api/orders", path) == [])
        }
        for path in [
            "/api", "/api/orders//", "//api/orders", "/api//orders", "/api/orders/1", "/api/order",
            "/api/orderss", "", "/", "*", "/api%2Forders", "/api/../api/orders",
        ] {
            #expect(parameters("/api/orders", path) == nil, "\(path)")
        }
        #expect(parameters("/", "/") == [])
        #expect(parameters("/", "//") == nil)
        #expect(parameters("/", "/a") == nil)
    }

    @Test func `a parameter takes one segment that is not empty, decoded`() {
        #expect(parameters("/p/{id}", "/p/a%20b%2Fc") == ["id=a b/c"])
        #expect(parameters("/p/{id}", "/p/+") == ["id=+"])
        #expect(parameters("/p/{id}", "/p/") == nil)
        #expect(parameters("/p/{id}", "/p/a/b") == nil)
        #expect(parameters("/{a}/x/{b}", "/1/X/2") == ["a=1", "b=2"])
    }

    @Test func `a long parameter takes 64-bit integers only`() {
        for value in ["0", "-5", "9223372036854775807", "-9223372036854775808"] {
            #expect(parameters("/o/{id:long}", "/o/\(value)") == ["id=\(value)"])
        }
        for value in ["a", "1a", "1.0", "9223372036854775808", "%20", "0x1"] {
            #expect(parameters("/o/{id:long}", "/o/\(value)") == nil)
        }
    }

    private enum Outcome: Equatable {
        case route, upgrade
        case status(Int, allow: String?)
    }

    private func outcome(_ request: Request) -> Outcome {
        var router = Router()
        router.on(.get, "/api/orders") { _, _, _ in }
        router.on(.post, "/api/orders", bodyByteCountMax: 10) { _, _, _ in }
        router.on(.delete, "/api/orders/{id:long}") { _, _, _ in }
        router.upgrade("/hub") { _ in .refuse(Response(.badRequest)) }
        router.on(.post, "/both") { _, _, _ in }
        router.upgrade("/both") { _ in .refuse(Response(.badRequest)) }
        router.fallback { $0.path == "/file" ? Response(.ok) : nil }
        switch router.match(request) {
        case .route: return .route
        case .upgrade: return .upgrade
        case let match:
            let response = router.answer(match, to: request)
            return .status(response.status.rawValue, allow: response.header("Allow"))
        }
    }

    @Test func `a route is found by path and method, and HEAD goes where GET goes`() {
        #expect(outcome(.sample("GET", "/api/orders?x=1")) == .route)
        #expect(outcome(.sample("HEAD", "/api/orders")) == .route)
        #expect(outcome(.sample("POST", "/api/orders")) == .route)
        #expect(outcome(.sample("GET", "http://test/api/orders")) == .route)
        #expect(outcome(.sample("DELETE", "/api/orders/7")) == .route)
    }

    @Test func `a wrong method is 405 with Allow, a wrong path 404, an unknown method 501`() {
        #expect(outcome(.sample("PUT", "/api/orders")) == .status(405, allow: "GET, POST, HEAD"))
        #expect(outcome(.sample("GET", "/api/orders/7")) == .status(405, allow: "DELETE"))
        #expect(outcome(.sample("GET", "/api/orders/x")) == .status(404, allow: nil))
        #expect(outcome(.sample("GET", "/none")) == .status(404, allow: nil))
        #expect(outcome(.sample("BREW", "/api/orders")) == .status(501, allow: nil))
        #expect(outcome(.sample("get", "/api/orders")) == .status(501, allow: nil))
        #expect(outcome(.sample("OPTIONS", "*")) == .status(204, allow: nil))
        #expect(outcome(.sample("GET", "/file")) == .status(200, allow: nil))
    }

    @Test func `an upgrade path takes websocket requests and leaves others to the routes`() {
        let upgrade = [("Upgrade", "foo, WebSocket")]
        #expect(outcome(.sample("GET", "/hub", fields: upgrade)) == .upgrade)
        #expect(outcome(.sample("GET", "/HUB/", fields: upgrade)) == .upgrade)
        #expect(outcome(.sample("POST", "/hub", fields: upgrade)) == .upgrade)
        #expect(outcome(.sample("GET", "/hub")) == .status(426, allow: nil))
        #expect(
            outcome(.sample("GET", "/hub", fields: [("Upgrade", "h2c")]))
                == .status(426, allow: nil))
        #expect(outcome(.sample("POST", "/hub")) == .status(405, allow: "GET, HEAD"))
        #expect(outcome(.sample("POST", "/both")) == .route)
        #expect(outcome(.sample("GET", "/api/orders", fields: upgrade)) == .route)
    }
}

@Suite struct CORSPolicyTests {
    private let api = CORSPolicy(allowedOrigins: ["http://localhost:4200"])
    private let hub = CORSPolicy(
        allowedOrigins: ["http://localhost:4200", "https://localhost:4200"],
        allowsCredentials: true,
        exposedHeaders: ["Location", "X-B"])

    private func preflight(_ origin: String) -> Request {
        .sample(
            "OPTIONS", "/api/orders",
            fields: [
                ("Origin", origin), ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "authorization,x-own"),
            ])
    }

    @Test func `a preflight echoes method and headers to a known origin`() throws {
        let response = try #require(api.preflight(preflight("http://localhost:4200")))
        #expect(response.status == .noContent)
        #expect(response.header("Access-Control-Allow-Origin") == "http://localhost:4200")
        #expect(response.header("Access-Control-Allow-Methods") == "POST")
        #expect(response.header("Access-Control-Allow-Headers") == "authorization,x-own")
        #expect(response.header("Access-Control-Allow-Credentials") == nil)
        #expect(response.header("Vary") == "Origin")
    }

    @Test func `a preflight of an unknown origin is granted nothing`() throws {
        for origin in [
            "http://localhost", "http://localhost:42000", "null", "HTTP://localhost:4200",
        ] {
            let response = try #require(api.preflight(preflight(origin)))
            #expect(response.status == .noContent)
            #expect(response.fields.map(\.name) == ["Vary"])
        }
    }

    @Test func `an OPTIONS that is no preflight goes to the routes`() {
        #expect(api.preflight(.sample("OPTIONS", "/", fields: [("Origin", "a")]))?.status == nil)
        #expect(
            api.preflight(
                .sample(
                    "GET", "/",
                    fields: [
                        ("Origin", "http://localhost:4200"),
                        ("Access-Control-Request-Method", "GET"),
                    ]))?.status == nil)
    }

    @Test func `an answer carries the origin, the credentials flag and the exposed names`() {
        var response = Response(.forbidden)
        hub.decorate(&response, to: .sample("/", fields: [("Origin", "https://localhost:4200")]))
        #expect(response.header("Access-Control-Allow-Origin") == "https://localhost:4200")
        #expect(response.header("Access-Control-Allow-Credentials") == "true")
        #expect(response.header("Access-Control-Expose-Headers") == "Location, X-B")
        #expect(response.header("Vary") == "Origin")

        var plain = Response(.ok)
        hub.decorate(&plain, to: .sample("/"))
        #expect(plain.fields.map(\.name) == ["Vary"])
    }
}
