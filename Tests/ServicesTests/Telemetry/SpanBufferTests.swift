import Loop
import Testing
import WS

@testable import Services

@Suite struct SpanBufferTests {
    private func span(_ number: Int) -> TraceSpan {
        TraceSpan(
            "\(number)", .internal, TraceContext(traceID: (1, 1), spanID: 1, isSampled: true),
            parentID: nil, start: WallTime(microseconds: 0))
    }

    @Test(arguments: [(3, 0), (4, 0), (5, 1)])
    func `beyond the limit spans are dropped and counted`(count: Int, dropped: Int) {
        let buffer = SpanBuffer(countMax: 4, batchCountMax: 2)
        for number in 0..<count { buffer.take(span(number)) }

        #expect(buffer.count == count - dropped)
        #expect(buffer.takeDroppedCount() == dropped)
        #expect(buffer.takeDroppedCount() == 0)
    }

    @Test func `batches are the oldest spans, in order, and at most so many`() {
        let buffer = SpanBuffer(countMax: 10, batchCountMax: 2)
        for number in 0..<3 { buffer.take(span(number)) }

        #expect(buffer.nextBatch().map(\.name) == ["0", "1"])
        #expect(buffer.nextBatch().map(\.name) == ["2"])
        #expect(buffer.nextBatch().isEmpty)
    }

    @Test func `a full batch is told of once, until one is taken`() {
        let buffer = SpanBuffer(countMax: 10, batchCountMax: 2)
        let told = Monitor(0)
        buffer.onFullBatch { told.update { $0 += 1 } }

        buffer.take(span(0))
        let afterOne = told.withLock { $0 }
        for number in 1..<4 { buffer.take(span(number)) }
        let afterFour = told.withLock { $0 }
        _ = buffer.nextBatch()
        buffer.take(span(4))

        #expect(afterOne == 0)
        #expect(afterFour == 1)
        #expect(told.withLock { $0 } == 2)
    }
}
