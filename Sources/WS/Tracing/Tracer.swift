// Tracer: begins and ends the spans of this process.
//
//   begin ─┬─ off, or the trace is not sampled ─▶ nil           everything on it costs one branch
//          └─▶ TraceSpan ─▶ end ─▶ sink
//
// What a span is called and what it says is made in closures, which run only where it is recorded.
//
// Thread: any; each span belongs to one at a time.  Allocates: only for recorded spans.

import Loop

public struct Tracer: Sendable {
    private let recorder: Recorder?

    private final class Recorder: Sendable {
        let sink: any SpanSink
        let sampler: Sampler
        let time: any TimeSource
        let random: any RandomSource

        init(
            _ sink: any SpanSink, _ sampler: Sampler, _ time: any TimeSource,
            _ random: any RandomSource
        ) {
            self.sink = sink
            self.sampler = sampler
            self.time = time
            self.random = random
        }
    }

    /// Records nothing.
    public static let off = Tracer(recorder: nil)

    private init(recorder: Recorder?) { self.recorder = recorder }

    public init(
        sink: any SpanSink, sampler: Sampler = Sampler(), time: any TimeSource = SystemTime(),
        random: any RandomSource = SystemRandom()
    ) {
        self.init(recorder: Recorder(sink, sampler, time, random))
    }

    public var isOn: Bool { recorder != nil }
    /// Nil when off.
    var sampler: Sampler? { recorder?.sampler }

    /// Begins a span; nil if it is not recorded.
    ///
    /// - Parameters:
    ///   - parent: nil begins a trace.
    public func begin(
        _ kind: TraceSpan.Kind, under parent: TraceContext?, _ name: @autoclosure () -> String,
        _ attributes: @autoclosure () -> [SpanAttribute] = []
    ) -> TraceSpan? {
        guard let recorder else { return nil }
        let words = recorder.random.words128()
        let traceID = parent?.traceID ?? (high: recorder.random.words128().0 | 1, low: words.1)
        guard recorder.sampler.samples(traceID, parent: parent) else { return nil }
        return TraceSpan(
            name(), kind,
            TraceContext(traceID: traceID, spanID: words.0 | 1, isSampled: true),
            parentID: parent?.spanID, start: recorder.time.wallNow, attributes: attributes())
    }

    /// Begins a span whose place in its trace is known already: a server's request.
    public func begin(
        _ kind: TraceSpan.Kind, at context: TraceContext, parentID: UInt64?,
        _ name: @autoclosure () -> String, _ attributes: @autoclosure () -> [SpanAttribute] = []
    ) -> TraceSpan? {
        guard let recorder, context.isSampled else { return nil }
        return TraceSpan(
            name(), kind, context, parentID: parentID, start: recorder.time.wallNow,
            attributes: attributes())
    }

    /// - Parameter error: why the work failed.
    public func end(_ span: TraceSpan?, error: String? = nil) {
        guard let recorder, var span else { return }
        // A wall clock that is set back in the meantime must not make time run backwards.
        span.end = max(span.start, recorder.time.wallNow)
        span.error = error
        recorder.sink.take(span)
    }
}
