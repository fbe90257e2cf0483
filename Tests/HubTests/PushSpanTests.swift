import Synchronization
import Testing
import WS

@testable import Hub

private final class SpanRecorder: SpanSink {
    private let taken = Mutex<[TraceSpan]>([])
    func take(_ span: TraceSpan) { taken.withLock { $0.append(span) } }
    var spans: [TraceSpan] { taken.withLock { $0 } }
}

@Suite struct PushSpanTests {
    private static let context = TraceContext(traceID: (1, 2), spanID: 3, isSampled: true)
    private let recorder = SpanRecorder()

    private func push(_ headers: [Header]) -> TraceSpan? {
        let tracer = Tracer(sink: recorder)
        let invocation = EncodedInvocation(
            target: "Notification", arguments: [json("{}")],
            headers: headers)
        tracer.end(tracer.beginPush(of: invocation, to: 2))
        return recorder.spans.last
    }

    @Test func `a message that names a trace is pushed within it`() throws {
        let span = try #require(
            push([Header("traceparent", Self.context.text), Header("x-correlation-id", "c")]))

        #expect(span.name == "SignalR push")
        #expect(span.kind == .consumer)
        #expect(span.parentID == 3)
        #expect(span.context.traceID == (1, 2))
        #expect(span.attributes.contains(.integer("contoso.connection_count", 2)))
        #expect(span.attributes.contains(.correlation("c")))
    }

    @Test func `a message without headers, with others or with broken ones is not recorded`() {
        let unsampled = TraceContext(traceID: (1, 2), spanID: 3, isSampled: false)
        #expect(push([]) == nil)
        #expect(push([Header("a", "b")]) == nil)
        #expect(push([Header("traceparent", "00-12")]) == nil)
        #expect(push([Header("traceparent", unsampled.text)]) == nil)
    }
}
