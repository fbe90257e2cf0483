// SpanRecorder: a tracer's sink that keeps what it is given.

import Synchronization
import WS

final class SpanRecorder: SpanSink {
    private let taken = Mutex<[TraceSpan]>([])

    func take(_ span: TraceSpan) { taken.withLock { $0.append(span) } }

    /// In the order they ended.
    var spans: [TraceSpan] { taken.withLock { $0 } }

    func span(_ name: String) -> TraceSpan? { spans.first { $0.name == name } }
}
