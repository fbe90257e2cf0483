import Loop
import TestSupport
import Testing
import WS

@testable import Services

/// One order through all roles in one thread, on the embedded engines.
@Suite struct OrderSpansTests {
    private let recorder = SpanRecorder()
    private let store: SQLiteOrderStore
    private let bus: EmbeddedBus
    private let notifier = FakeNotifier()
    private let signal = WakeSignal()
    private let state = EmbeddedWorkflowState()

    init() throws {
        let database = try memoryDatabase()
        store = SQLiteOrderStore(database: database)
        bus = EmbeddedBus(database: database)
    }

    private func accept(_ tracer: Tracer, traceparents: [String?]) throws {
        let accept = AcceptOrder(store: store, state: state, relay: signal, tracer: tracer)
        let requests = try traceparents.map { traceparent in
            try accept.prepare(
                OrderDraft(items: [OrderDraft.Item(productID: "AZ-900", quantity: 1)]), user: "u",
                idempotencyKey: nil, traceparent: traceparent)
        }
        _ = try accept.commit(requests)
    }

    private func run(_ tracer: Tracer) {
        let relay = OutboxRelay(store: store, bus: bus, signal: signal, tracer: tracer)
        let process = QueueWorker(
            bus: bus, queue: "order.accepted",
            handler: ProcessOrder(store: store, state: state, relay: signal, tracer: tracer))
        let notify = QueueWorker(
            bus: bus, queue: "order.processed",
            handler: NotifyOrder(store: store, state: state, notifier: notifier, tracer: tracer))
        _ = relay.step(wait: .zero)
        _ = process.step(wait: .zero)
        _ = relay.step(wait: .zero)
        _ = notify.step(wait: .zero)
    }

    private static let request = TraceContext(traceID: (1, 2), spanID: 3, isSampled: true)

    @Test func `an order is one trace from the request to the notification`() throws {
        let tracer = Tracer(sink: recorder)
        try accept(tracer, traceparents: [Self.request.text])
        run(tracer)

        // Name and parent, in the order of the work; the request's own span is the API's.
        var parents = ["POST": Self.request.spanID]
        for span in recorder.spans { parents[span.name] = span.context.spanID }
        let path = [
            ("accept", "POST"), ("send order.accepted", "POST"),
            ("complete", "process order.accepted"),
            ("process order.accepted", "send order.accepted"),
            ("send order.processed", "process order.accepted"),
            ("process order.processed", "send order.processed"),
        ]
        #expect(recorder.spans.map(\.name) == path.map(\.0))
        for (span, (name, parent)) in zip(recorder.spans, path) {
            #expect(span.parentID == parents[parent], "\(name)")
            #expect(span.context.traceID == Self.request.traceID)
            #expect(span.error == nil)
        }
        #expect(
            recorder.spans.map(\.kind) == [
                .client, .producer, .client, .consumer, .producer, .consumer,
            ])
        let correlation = try #require(notifier.pushes.first).event.correlation.description
        for span in recorder.spans {
            #expect(span.attributes.contains(.correlation(correlation)), "\(span.name)")
        }
        #expect(
            notifier.pushes.first?.event.trace == recorder.span("process order.processed")?.context)
    }

    @Test func `orders of one batch keep their traces apart`() throws {
        let tracer = Tracer(sink: recorder)
        let second = TraceContext(traceID: (7, 8), spanID: 9, isSampled: true)
        try accept(tracer, traceparents: [Self.request.text, second.text])
        run(tracer)

        let byTrace = Dictionary(grouping: recorder.spans, by: \.context.traceID.low)
        #expect(byTrace.mapValues(\.count) == [2: 6, 8: 6])
        for spans in byTrace.values {
            let ids = Set(spans.map(\.context.spanID))
            let strangers = spans.compactMap(\.parentID).filter { !ids.contains($0) }
            #expect(Set(strangers).count == 1)
        }
    }

    @Test func `a trace that is not sampled is handed on and not recorded`() throws {
        let tracer = Tracer(sink: recorder)
        let unsampled = TraceContext(traceID: (1, 2), spanID: 3, isSampled: false)
        try accept(tracer, traceparents: [unsampled.text])
        run(tracer)

        #expect(recorder.spans.isEmpty)
        #expect(notifier.pushes.count == 1)
    }

    @Test func `with tracing off the caller's context goes through all hops unchanged`() throws {
        try accept(.off, traceparents: [Self.request.text])
        run(.off)

        #expect(notifier.pushes.count == 1)
        #expect(notifier.pushes.first?.event.trace == nil)

        try accept(.off, traceparents: [Self.request.text])
        let relay = OutboxRelay(store: store, bus: bus, signal: signal)
        _ = relay.step(wait: .zero)
        let sent = try bus.consumer(of: "order.accepted").receive(max: 9, wait: .zero)
        #expect(sent.map { $0.headers["traceparent"] } == [Self.request.text])
    }

    @Test func `a publish that fails is recorded with its error, as the broker may have it`() throws
    {
        Log.level = .error
        let tracer = Tracer(sink: recorder)
        try accept(.off, traceparents: [Self.request.text])
        let relay = OutboxRelay(
            store: store, bus: FaultyBus(bus, chance: { .beforeConfirm }), signal: signal,
            tracer: tracer)
        _ = relay.step(wait: .zero)

        #expect(recorder.spans.map(\.error) == ["confirm lost on purpose"])
        let sent = try bus.consumer(of: "order.accepted").receive(max: 9, wait: .zero)
        #expect(sent.map { $0.headers["traceparent"] } == [recorder.spans[0].context.text])
    }

    @Test func `a message that is poison ends its span with the reason`() throws {
        Log.level = .error
        let tracer = Tracer(sink: recorder)
        try bus.publish([
            OutgoingMessage(queue: "order.accepted", body: Array("{".utf8), headers: [:])
        ])
        run(tracer)

        let span = try #require(recorder.span("process order.accepted"))
        #expect(span.parentID == nil)
        #expect(span.error?.contains("invalid payload") == true)
    }
}
