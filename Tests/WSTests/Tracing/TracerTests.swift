import Loop
import Synchronization
import TestSupport
import Testing

@testable import WS

/// Keeps what it is given.
final class SpanRecorder: SpanSink {
    private let taken = Mutex<[TraceSpan]>([])
    func take(_ span: TraceSpan) { taken.withLock { $0.append(span) } }
    var spans: [TraceSpan] { taken.withLock { $0 } }
}

@Suite struct TracerTests {
    private let recorder = SpanRecorder()
    private let clock = FakeClock()

    private func makeTracer(_ sampler: Sampler = Sampler()) -> Tracer {
        Tracer(sink: recorder, sampler: sampler, time: clock, random: SeededRandom(seed: 1))
    }

    @Test func `off, nothing is begun and no name is made`() {
        var isNameMade = false
        func name() -> String {
            isNameMade = true
            return ""
        }
        let span = Tracer.off.begin(.client, under: nil, name())
        Tracer.off.end(span)

        #expect(span == nil)
        #expect(!isNameMade)
        #expect(!Tracer.off.isOn)
    }

    @Test func `a span has its parent's trace, its own id, and lasts until its end`() throws {
        let tracer = makeTracer()
        let root = try #require(tracer.begin(.server, under: nil, "root"))
        clock.advance(by: .milliseconds(3))
        let child = try #require(
            tracer.begin(.client, under: root.context, "child", [.integer("n", 1)]))
        clock.advance(by: .milliseconds(4))
        tracer.end(child, error: "failed")
        tracer.end(root)

        #expect(root.parentID == nil)
        #expect(child.parentID == root.context.spanID)
        #expect(child.context.traceID == root.context.traceID)
        #expect(child.context.spanID != root.context.spanID)
        let ended = recorder.spans
        #expect(ended.map(\.name) == ["child", "root"])
        #expect(ended[0].end == ended[0].start.advanced(by: .milliseconds(4)))
        #expect(ended[1].end == ended[1].start.advanced(by: .milliseconds(7)))
        #expect(ended[0].error == "failed")
        #expect(ended[1].error == nil)
        #expect(ended[0].attributes == [.integer("n", 1)])
    }

    @Test func `a trace that is not sampled has no spans`() {
        let tracer = makeTracer()
        let parent = TraceContext(traceID: (1, 2), spanID: 3, isSampled: false)

        #expect(tracer.begin(.client, under: parent, "child") == nil)
        #expect(makeTracer(Sampler(.never)).begin(.client, under: nil, "root") == nil)
    }

    @Test func `each element of a batch has a span in its own trace`() throws {
        let tracer = makeTracer()
        let parents = [1, 2, 3].map {
            TraceContext(traceID: (9, $0), spanID: 7, isSampled: $0 != 2)
        }

        var batch = SpanBatch(tracer, parents) { tracer.begin(.producer, under: $0, "send") }
        batch.add(.integer("n", 1), to: 2)
        batch.add(.integer("n", 1), to: 1)
        let handedOn = (0..<3).map { batch.traceparent($0, else: parents[$0].text) }
        batch.end(tracer) { $0 == 0 ? "lost" : nil }

        let ended = recorder.spans
        #expect(ended.map(\.context.traceID.low) == [1, 3])
        #expect(ended.map(\.error) == ["lost", nil])
        #expect(ended[1].attributes == [.integer("n", 1)])
        #expect(handedOn == [ended[0].context.text, parents[1].text, ended[1].context.text])
    }

    @Test func `a batch hands on what came with its elements when tracing is off`() {
        let batch = SpanBatch(.off, [1]) { _ in nil }

        #expect(batch[0] == nil)
        #expect(batch.traceparent(0, else: "what came") == "what came")
        #expect(batch.traceparent(0, else: nil) == nil)
    }
}
