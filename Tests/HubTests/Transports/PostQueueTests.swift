import Loop
import Testing

@testable import Hub

@Suite("PostQueue") struct PostQueueTests {
    @Test func `POSTs that wait are taken in order, each answered once`() {
        let statuses = Monitor<[String]>([])
        let queue = PostQueue()
        queue.wait(nil) { answer in statuses.update { $0.append("a \(answer!.status)") } }
        queue.wait([1]) { answer in statuses.update { $0.append("b \(answer!.status)") } }
        queue.wait([2]) { answer in statuses.update { $0.append("c \(answer!.status)") } }

        let taken = [queue.next(), queue.next()]
        queue.refuseAll()

        #expect(taken == [[], [1]])
        #expect(queue.isEmpty)
        #expect(statuses.withLock { $0 } == ["a 200", "b 200", "c 404"])
    }
}
