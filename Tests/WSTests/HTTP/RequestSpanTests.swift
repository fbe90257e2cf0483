import Loop
import TestSupport
import Testing

@testable import WS

@Suite(.timeLimit(.minutes(1))) struct RequestSpanTests {
    private let recorder = SpanRecorder()
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

    private func start(_ answered: Monitor<Int>) throws -> LoopHarness {
        let recorder = recorder
        return try LoopHarness { reactor in
            var router = Router()
            router.on(.get, "/api/orders/{id:long}") { request, path, responder in
                var response = Response(path.integer("id") == 5 ? .serviceUnavailable : .ok)
                response.add("X-Correlation-Id", request.outgoingTrace.text)
                responder.respond(response)
            }
            router.on(.get, "/health") { _, _, responder in responder.respond(Response(.ok)) }
            router.on(.post, "/api/orders") { _, _, responder in
                responder.respond(Response(.created))
            }
            let kept = Monitor<[Responder]>([])
            router.on(.get, "/api/never") { _, _, responder in
                kept.update { $0.append(responder) }
                answered.update { $0 += 1 }
            }
            var configuration = HTTPConfiguration()
            configuration.tracing.tracer = Tracer(sink: recorder)
            let server = HTTPServer(reactor: reactor, router: router, configuration: configuration)
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in server.makeHandler() }
        }
    }

    /// Sends requests and waits until all are answered.
    private func exchange(_ requests: String...) throws {
        let harness = try start(Monitor(0))
        let client = try harness.connect()
        try client.send(requests.dropLast().joined())
        try client.send(requests.last!)
        client.closeWriting()
        _ = try client.receiveToEnd()
    }

    private func get(_ path: String, _ flags: String? = nil) -> String {
        let trace = flags.map { "traceparent: \(Self.parent)-\($0)\r\n" } ?? ""
        return "GET \(path) HTTP/1.1\r\nHost: a\r\n\(trace)\r\n"
    }

    @Test func `a request of the API is a span under its caller's, named by its route`() throws {
        try exchange(get("/api/orders/7", "01"))

        let span = try #require(recorder.spans.first)
        #expect(span.name == "GET /api/orders/{id}")
        #expect(span.kind == .server)
        #expect(span.parentID == 0x00F0_67AA_0BA9_02B7)
        #expect(span.context.traceID.high == 0x4BF9_2F35_77B3_4DA6)
        #expect(span.error == nil)
        // The handler was given the span to hand on.
        #expect(
            span.attributes == [
                .string("http.request.method", "GET" as String),
                .string("http.route", "/api/orders/{id}" as String),
                .string("url.path", "/api/orders/7" as String),
                .string("url.scheme", "http" as String),
                .string("client.address", "127.0.0.1" as String),
                .string("network.protocol.version", "1.1" as String),
                .integer("http.response.status_code", 200),
                .correlation(span.context.text),
            ])
    }

    @Test func `a request without a caller begins a trace`() throws {
        try exchange(get("/api/orders/7"), get("/api/orders/8"))

        #expect(recorder.spans.count == 2)
        #expect(recorder.spans.allSatisfy { $0.parentID == nil })
        #expect(recorder.spans[0].context.traceID != recorder.spans[1].context.traceID)
    }

    @Test func `probes, unknown paths and traces nobody samples are not recorded`() throws {
        try exchange(
            get("/health", "01"), get("/api/unknown", "01"), get("/api/orders/7", "00"))

        #expect(recorder.spans.isEmpty)
    }

    @Test func `a failure of ours is an error, one of the client's is not`() throws {
        try exchange(
            get("/api/orders/5"),
            "POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")

        let spans = recorder.spans
        #expect(spans.count == 2)
        #expect(spans[0].error == "")
        #expect(spans[0].attributes.contains(.string("error.type", "503" as String)))
        #expect(spans[1].error == nil)
        #expect(spans[1].attributes.contains(.integer("http.response.status_code", 413)))
    }

    @Test func `a connection that ends before the answer ends its span too`() throws {
        let asked = Monitor(0)
        let harness = try start(asked)
        var client: BlockingClient? = try harness.connect()
        try client?.send(get("/api/never"))
        _ = asked.wait(atMost: .seconds(30)) { $0 == 1 ? true : nil }

        client?.resetOnClose()
        client = nil

        for _ in 0..<1000 where recorder.spans.isEmpty {
            let probe = try harness.connect()
            try probe.send(get("/health"))
            probe.closeWriting()
            _ = try probe.receiveToEnd()
        }
        let span = try #require(recorder.spans.first)
        #expect(span.error == "the connection ended before the answer")
    }

    @Test func `without a tracer the caller's trace is handed on unchanged`() {
        let text = Self.parent + "-01"
        let request = Request.sample("/", fields: [("traceparent", text)])

        #expect(request.outgoingTrace.text == text)
        #expect(request.trace.text != text)
    }
}
