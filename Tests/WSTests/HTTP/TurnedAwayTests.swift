import Glibc
import Loop
import TestSupport
import Testing

@testable import WS

@Suite("TurnedAway", .timeLimit(.minutes(1))) struct TurnedAwayTests {
    /// Routes of each urgency, and one that makes the loop late.
    private static func harness(
        limits: Limits = Limits(), _ configuration: HTTPConfiguration = HTTPConfiguration()
    ) throws -> LoopHarness {
        try LoopHarness(limits: limits) { reactor in
            var router = Router()
            router.on(.get, "/health", urgency: .vital) { $2.respond(.text("alive")) }
            router.on(.get, "/page") { $2.respond(.text("page")) }
            router.on(.post, "/order", urgency: .deferrable) { $2.respond(.text("ordered")) }
            router.on(.get, "/stall") { _, _, responder in
                usleep(500_000)
                responder.respond(.text("late"))
            }
            let server = HTTPServer(
                reactor: reactor, router: router, configuration: configuration)
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    private func exchange(
        _ harness: LoopHarness, _ line: String, _ fields: String = "", body: String = ""
    ) throws -> String {
        let client = try harness.connect()
        try client.send(
            "\(line) HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\(fields)\r\n\(body)")
        return String(decoding: try client.receiveToEnd(), as: UTF8.self)
    }

    private func order(_ harness: LoopHarness) throws -> String {
        try exchange(harness, "POST /order", "Content-Length: 2\r\n", body: "{}")
    }

    // MARK: Lag

    private static var late: Limits {
        var limits = Limits()
        // One stall is above it for seconds.
        limits.lagShedding = .milliseconds(10)
        return limits
    }

    @Test func `a late loop turns away what can wait, and serves the rest`() throws {
        let harness = try Self.harness(limits: Self.late)
        #expect(try order(harness).hasSuffix("ordered"))

        #expect(try exchange(harness, "GET /stall").hasSuffix("late"))

        let refused = try order(harness)
        #expect(refused.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(refused.contains("\r\nRetry-After: 2\r\n"))
        #expect(refused.contains("application/problem+json"))
        #expect(try exchange(harness, "GET /page").hasSuffix("page"))
        #expect(try exchange(harness, "GET /health").hasSuffix("alive"))
    }

    @Test func `a loop that is on time again takes everything`() throws {
        let harness = try Self.harness(limits: Self.late)
        #expect(try exchange(harness, "GET /stall").hasSuffix("late"))

        while try !order(harness).hasSuffix("ordered") { usleep(50_000) }
    }

    @Test func `who asks before sending a body need not send it`() throws {
        let harness = try Self.harness(limits: Self.late)
        #expect(try exchange(harness, "GET /stall").hasSuffix("late"))

        let answer = try exchange(
            harness, "POST /order", "Content-Length: 1000000\r\nExpect: 100-continue\r\n")

        #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
    }

    @Test func `whoever was turned away may ask again on the same connection`() throws {
        let harness = try Self.harness(limits: Self.late)
        #expect(try exchange(harness, "GET /stall").hasSuffix("late"))
        let client = try harness.connect()

        try client.send("POST /order HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}")
        try client.send("GET /page HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")

        let answers = String(decoding: try client.receiveToEnd(), as: UTF8.self)
        #expect(answers.hasPrefix("HTTP/1.1 503 "))
        #expect(answers.hasSuffix("page"))
    }

    // MARK: Rate by address

    private static func limited(_ change: (inout HTTPConfiguration) -> Void = { _ in })
        -> HTTPConfiguration
    {
        var configuration = HTTPConfiguration()
        configuration.addressRates = RateTable(
            RateLimit(1, per: .seconds(600), burst: 3), time: FakeClock())
        change(&configuration)
        return configuration
    }

    @Test func `an address that asks too often is told how long to wait; health is not counted`()
        throws
    {
        let harness = try Self.harness(Self.limited())
        for _ in 0..<3 { #expect(try exchange(harness, "GET /page").hasSuffix("page")) }

        let refused = try exchange(harness, "GET /page")

        #expect(refused.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n"))
        #expect(refused.contains("\r\nRetry-After: 600\r\n"))
        #expect(refused.contains("application/problem+json"))
        #expect(try order(harness).hasPrefix("HTTP/1.1 429 "))
        #expect(try exchange(harness, "GET /health").hasSuffix("alive"))
    }

    @Test func `requests of a proxy's own are not counted`() throws {
        let harness = try Self.harness(
            Self.limited { $0.ingress.proxies = TrustedNetworks("loopback")! })

        for _ in 0..<10 { #expect(try exchange(harness, "GET /page").hasSuffix("page")) }
    }
}
