import Loop
import Testing

@testable import Services

@Suite("WorkerPool") struct WorkerPoolTests {
    @Test func `every accepted job has run exactly once when close returns`() {
        let runCount = Monitor(0)
        let pool = WorkerPool(threadCount: 4, queueCountMax: 1000)

        let accepted = (0..<1000).map { _ in pool.submit { runCount.update { $0 += 1 } } }
        pool.close()

        #expect(accepted.allSatisfy { $0 })
        #expect(runCount.update { $0 } == 1000)
    }

    @Test func `the job after the last place in the queue is refused`() {
        enum Phase { case idle, running, released }
        let phase = Monitor(Phase.idle)
        let pool = WorkerPool(threadCount: 1, queueCountMax: 2)
        let isBusy = pool.submit {
            phase.update { $0 = .running }
            _ = phase.wait { $0 == .released ? true : nil }
        }
        _ = phase.wait { $0 == .running ? true : nil }

        let accepted = (0..<3).map { _ in pool.submit {} }
        phase.update { $0 = .released }
        pool.close()

        #expect(isBusy)
        #expect(accepted == [true, true, false])
    }

    @Test func `a closed pool takes nothing`() {
        let pool = WorkerPool(threadCount: 1, queueCountMax: 1)
        pool.close()

        #expect(!pool.submit {})
    }
}
