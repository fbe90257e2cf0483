import Loop
import Testing

@testable import Hub

@Suite("DrainQueue") struct DrainQueueTests {
    private let tokens = (0..<4).map { EventToken(index: $0, generation: 1) }

    @Test func `idle ones come in order, and one that is busy stands aside`() {
        var queue = DrainQueue(tokens)
        #expect(queue.nextIdle() == tokens[0])
        let busy = queue.nextIdle()!
        queue.putBack(busy: busy)
        #expect(queue.nextIdle() == tokens[2])
        #expect(queue.idleCount == 1 && queue.busyCount == 1)
        #expect(queue.nextBusy() == tokens[1])
        #expect(queue.nextBusy() == nil)
    }

    @Test func `one whose call has ended is behind the other idle ones`() {
        var queue = DrainQueue(tokens)
        for _ in 0..<2 { queue.putBack(busy: queue.nextIdle()!) }

        queue.sort { $0 == tokens[0] }

        #expect(queue.idleCount == 3 && queue.busyCount == 1)
        #expect(queue.nextIdle() == tokens[2])
        #expect(queue.nextIdle() == tokens[3])
        #expect(queue.nextIdle() == tokens[1])
        #expect(queue.nextIdle() == nil)
        #expect(queue.nextBusy() == tokens[0])
    }
}
