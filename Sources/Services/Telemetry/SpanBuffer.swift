// SpanBuffer: ended spans on their way to the exporter.
//
//   any thread ── take ──▶ [spans, at most queueCountMax] ── next batch ──▶ exporter
//                             full: dropped and counted
//
// Thread: any.  Allocates: when the row grows, up to its limit.

import Synchronization
import WS

final class SpanBuffer: SpanSink {
    private struct State: Sendable {
        var spans: [TraceSpan] = []
        var droppedCount = 0
        /// Whether the exporter has been told that a batch is full and has not taken one since.
        var isTold = false
        var wake: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let batchCountMax: Int

    /// - Parameters:
    ///   - countMax: spans that may wait; more are dropped.
    ///   - batchCountMax: spans of one export; as soon as so many wait, `wake` is called.
    init(countMax: Int, batchCountMax: Int) {
        self.countMax = countMax
        self.batchCountMax = batchCountMax
    }

    /// Who is told of a full batch, on the thread that has filled it.
    func onFullBatch(_ wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.wake = wake }
    }

    func take(_ span: TraceSpan) {
        let wake = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.spans.count < countMax else {
                state.droppedCount += 1
                return nil
            }
            state.spans.append(span)
            guard state.spans.count >= batchCountMax, !state.isTold else { return nil }
            state.isTold = true
            return state.wake
        }
        wake?()
    }

    /// The oldest spans, at most `batchCountMax`; they are the caller's from now on.
    func nextBatch() -> [TraceSpan] {
        state.withLock { state in
            let batch = Array(state.spans.prefix(batchCountMax))
            state.spans.removeFirst(batch.count)
            state.isTold = false
            return batch
        }
    }

    var count: Int { state.withLock { $0.spans.count } }
    var isBatchFull: Bool { count >= batchCountMax }

    /// Spans that found no room, since the last call.
    func takeDroppedCount() -> Int {
        state.withLock { state in
            defer { state.droppedCount = 0 }
            return state.droppedCount
        }
    }
}
