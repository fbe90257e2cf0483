import Loop
import TestSupport
import Testing
import WS

@testable import Services

@Suite(.timeLimit(.minutes(1))) struct LivenessTests {
    let clock = FakeClock()

    private func harness(_ liveness: Liveness) throws -> LoopHarness {
        try LoopHarness { reactor in
            var router = Router()
            HealthEndpoints.addRoutes(
                to: &router, readiness: Readiness(drainingFile: "/nonexistent/draining"),
                liveness: liveness)
            let server = HTTPServer(reactor: reactor, router: router)
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    private func live(_ harness: LoopHarness) throws -> String {
        let client = try harness.connect()
        try client.send("GET /health/live HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        return String(decoding: try client.receiveToEnd(), as: UTF8.self)
    }

    @Test func `a loop that is stuck is answered with 503`() throws {
        let watch = LoopWatch(time: clock)
        watch.add(LoopPulse(at: clock.monotonicNow))
        let harness = try harness(Liveness(watch: watch))
        #expect(try live(harness).hasPrefix("HTTP/1.1 200 "))

        clock.advance(by: .seconds(31))

        let answer = try live(harness)
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
        #expect(answer.hasSuffix(#"{"status":"stuck","loops":1}"#))
    }

    @Test func `a disk that failed is answered with 503: only a restart mends it`() throws {
        let disk = LinkStatus(name: "disk", time: clock)
        disk.wentUp()
        let harness = try harness(Liveness(watch: LoopWatch(time: clock), disks: [disk]))
        #expect(try live(harness).hasSuffix(#"{"status":"ok"}"#))

        disk.wentDown(at: clock.monotonicNow)

        let answer = try live(harness)
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
        #expect(answer.hasSuffix(#"{"status":"disk failed"}"#))
    }
}
