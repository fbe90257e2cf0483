import Loop
import TestSupport
import Testing

@testable import WS
@testable import Services

/// A collector that answers as it is told, and keeps what it accepts.
private final class Collector: Sendable {
    struct Post: Sendable {
        let path: String
        let contentType: String?
        let key: String?
        let body: [UInt8]
    }

    private let posts = Monitor<[Post]>([])
    /// Statuses for the next posts; 200 after that.
    private let statuses = Monitor<[HTTPStatus]>([])

    func answerNext(_ next: [HTTPStatus]) { statuses.update { $0 = next } }

    func answer(_ request: Request, _ responder: Responder) {
        let post = Post(
            path: request.path, contentType: request.header(named: "Content-Type"),
            key: request.header(named: "Api-Key"), body: request.body)
        posts.update { $0.append(post) }
        var response = Response(
            statuses.update { $0.isEmpty ? .ok : $0.removeFirst() })
        response.add("Retry-After", "0")
        responder.respond(response)
    }

    /// The first `count` posts, as soon as there are so many.
    func posts(_ count: Int) -> [Post] {
        posts.wait(atMost: .seconds(30)) { $0.count >= count ? $0 : nil } ?? []
    }
}

@Suite(.timeLimit(.minutes(1))) struct SpanExporterTests {
    private let collector = Collector()

    private func startCollector() throws -> LoopHarness {
        let collector = collector
        return try LoopHarness { reactor in
            var router = Router()
            router.on(.post, "/v1/traces") { request, _, responder in
                collector.answer(request, responder)
            }
            let server = HTTPServer(reactor: reactor, router: router)
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    /// Telemetry on a loop of its own, which the caller stops.
    private func start(
        _ address: String, _ variables: [String: String] = [:]
    ) throws -> (telemetry: Telemetry, loop: LoopGroup) {
        var environment = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://\(address)"]
        environment.merge(variables) { $1 }
        let settings = try TelemetrySettings(environment: environment)
        let made = Monitor<Telemetry?>(nil)
        let loop = LoopGroup()
        try loop.start(count: 1, limits: Limits()) { reactor, _ in
            let telemetry = try Telemetry.start(settings, roles: [.accept], on: reactor)
            made.update { $0 = telemetry }
        }
        return (made.withLock { $0! }, loop)
    }

    private func record(_ count: Int, with tracer: Tracer) {
        for number in 0..<count { tracer.end(tracer.begin(.internal, under: nil, "s\(number)")) }
    }

    @Test func `a full batch leaves at once, with the headers`() throws {
        let harness = try startCollector()
        let (telemetry, loop) = try start(
            harness.address,
            ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=k"])
        defer { loop.stop() }

        record(2, with: telemetry.tracer)

        let post = try #require(collector.posts(1).first)
        #expect(post.path == "/v1/traces")
        #expect(post.contentType == "application/x-protobuf")
        #expect(post.key == "k")
        let text = String(decoding: post.body, as: UTF8.self)
        #expect(text.contains("order-accept"))
        #expect(text.contains("s0"))
        #expect(text.contains("s1"))
    }

    @Test func `what waits leaves after the delay`() throws {
        let harness = try startCollector()
        let (telemetry, loop) = try start(
            harness.address, ["OTEL_BSP_SCHEDULE_DELAY": "20"])
        defer { loop.stop() }

        record(1, with: telemetry.tracer)

        #expect(collector.posts(1).count == 1)
    }

    @Test func `a flush sends all batches before it returns`() throws {
        let harness = try startCollector()
        let (telemetry, loop) = try start(
            harness.address,
            ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "60000"])
        defer { loop.stop() }
        record(25, with: telemetry.tracer)

        #expect(telemetry.flush(atMost: .seconds(30)))

        let text = collector.posts(3).map { String(decoding: $0.body, as: UTF8.self) }.joined()
        #expect((0..<25).allSatisfy { text.contains("s\($0)") })
        #expect(telemetry.flush(atMost: .seconds(30)))
    }

    @Test(arguments: [
        HTTPStatus.tooManyRequests, .badGateway, .serviceUnavailable, .gatewayTimeout,
    ])
    func `a collector that cannot now is asked again with the same spans`(status: HTTPStatus) throws
    {
        collector.answerNext([status, status])
        let harness = try startCollector()
        let (telemetry, loop) = try start(
            harness.address, ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"])
        defer { loop.stop() }

        record(1, with: telemetry.tracer)

        let posts = collector.posts(3)
        #expect(posts.count == 3)
        #expect(Set(posts.map(\.body)).count == 1)
    }

    @Test func `spans that a collector refuses are dropped, and the next ones sent`() throws {
        Log.level = .error
        collector.answerNext([.badRequest])
        let harness = try startCollector()
        let (telemetry, loop) = try start(
            harness.address, ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"])
        defer { loop.stop() }

        telemetry.tracer.end(telemetry.tracer.begin(.internal, under: nil, "refused"))
        _ = collector.posts(1)
        telemetry.tracer.end(telemetry.tracer.begin(.internal, under: nil, "wanted"))

        let posts = collector.posts(2)
        #expect(String(decoding: posts[0].body, as: UTF8.self).contains("refused"))
        #expect(String(decoding: posts[1].body, as: UTF8.self).contains("wanted"))
    }

    @Test func `with nobody there a flush gives up, and nothing is kept`() throws {
        Log.level = .error
        let port = try BlockingListener.refusingPort()
        let (telemetry, loop) = try start("127.0.0.1:\(port)")
        defer { loop.stop() }
        record(5, with: telemetry.tracer)

        #expect(telemetry.flush(atMost: .seconds(30)))
    }

    @Test func `telemetry that is off records nothing and has nothing to flush`() {
        #expect(!Telemetry.off.tracer.isOn)
        #expect(Telemetry.off.flush())
    }
}
