// SpanExporter: brings spans to the collector, in batches, over OTLP/HTTP.
//
//   idle ── delay, full batch or flush ──▶ sending ──▶ 2xx ─────────────▶ idle, or the next batch
//                                            ├─▶ 429, 502, 503, 504, no answer ─▶ waiting ─▶ sending
//                                            └─▶ anything else: the batch is dropped ─▶ idle
//
// One batch is on its way at a time. One that could not be delivered is tried again with growing
// pauses, until it is too old; meanwhile the buffer fills and then drops: tracing never holds up
// orders, and never takes more memory than its limits say.
//
// Thread: the links loop.  Allocates: per batch.
// Source: OpenTelemetry protocol specification 1.x, "OTLP/HTTP Response", "Retry".

import Loop
import WS

final class SpanExporter {
    private enum Phase { case idle, sending, waiting }

    private let settings: TelemetrySettings
    private let url: HTTPURL
    private let resource: TelemetryResource
    private let buffer: SpanBuffer
    private let client: HTTPClient
    private unowned let reactor: Reactor
    private let random: any RandomSource
    private let log = Log("telemetry")

    private var phase = Phase.idle
    /// The body on its way, and how many spans it holds.
    private var body: [UInt8] = []
    private var bodySpanCount = 0
    private var firstTry = MonotonicInstant(nanoseconds: 0)
    private var backoff = Backoff()
    private var isAway = false
    /// Called once everything of their time has left or was dropped.
    private var flushes: [@Sendable () -> Void] = []

    /// Made on the loop's thread; the loop keeps it.
    ///
    /// - Parameter url: of the collector's traces.
    init(
        _ settings: TelemetrySettings, url: HTTPURL, resource: TelemetryResource,
        buffer: SpanBuffer, client: HTTPClient, reactor: Reactor,
        random: any RandomSource = SystemRandom()
    ) {
        self.settings = settings
        self.url = url
        self.resource = resource
        self.buffer = buffer
        self.client = client
        self.reactor = reactor
        self.random = random
        reactor.every(settings.scheduleDelay) { [self] in export() }
    }

    /// Exports what waits, if nothing is on its way.
    func export() {
        guard phase == .idle else { return }
        let spans = buffer.nextBatch()
        if spans.isEmpty {
            for flushed in flushes { flushed() }
            flushes = []
            return
        }
        body = TraceExport.body(spans, of: resource, version: CommandLineTool.version)
        bodySpanCount = spans.count
        firstTry = reactor.now
        send()
    }

    /// Exports everything that is there now; `done` is called once nothing waits any more.
    func flush(_ done: @escaping @Sendable () -> Void) {
        flushes.append(done)
        export()
    }

    private func send() {
        phase = .sending
        var request = ClientRequest(
            .post, url, contentType: "application/x-protobuf", body: body)
        for header in settings.headers { request.add(header.name, header.value) }
        client.send(
            request, timeout: settings.timeout,
            bodyByteCountMax: TelemetrySettings.responseByteCountMax
        ) { [self] result in
            switch result {
            case .success(let response) where (200..<300).contains(response.status):
                delivered()
            case .success(let response) where [429, 502, 503, 504].contains(response.status):
                let pause = response.header("retry-after").flatMap { Int64($0) }
                retry("status \(response.status)", after: pause.map { .seconds(max(0, $0)) })
            case .success(let response): drop("status \(response.status)")
            case .failure(let error):
                retry(error.description, after: nil)
            }
        }
    }

    private func delivered() {
        if isAway { log.info("collector back") }
        isAway = false
        finish()
    }

    /// - Parameter pause: what the collector asks for.
    private func retry(_ reason: String, after pause: Duration?) {
        let pause = pause ?? backoff.next(random: random)
        let age = firstTry.duration(to: reactor.now)
        guard age + pause <= settings.exportTimeout, flushes.isEmpty else { return drop(reason) }
        complain(reason)
        phase = .waiting
        reactor.after(pause) { [self] in send() }
    }

    private func drop(_ reason: String) {
        complain(reason)
        log.warning("spans dropped", [.integer("spans", bodySpanCount), .reason(reason)])
        finish()
    }

    /// Once per outage.
    private func complain(_ reason: String) {
        if isAway { return }
        isAway = true
        log.warning("collector away", [.string("url", url.redacted), .reason(reason)])
    }

    private func finish() {
        phase = .idle
        body = []
        bodySpanCount = 0
        backoff.reset()
        let droppedCount = buffer.takeDroppedCount()
        if droppedCount > 0 {
            log.warning("spans dropped: too many wait", [.integer("spans", droppedCount)])
        }
        if buffer.isBatchFull || !flushes.isEmpty { export() }
    }
}
