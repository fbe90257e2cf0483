import Loop
import Testing
import TestSupport

@testable import Services

@Suite("WorkerPool") struct WorkerPoolTests {
    @Test func `every accepted job has run exactly once when close returns`() {
        let runCount = Monitor(0)
        let pool = WorkerPool(threadCount: 4, queueCountMax: 1000)

        let accepted = (0..<1000).map { _ in pool.submit { _ in runCount.update { $0 += 1 } } }
        pool.close()

        #expect(accepted.allSatisfy { $0 })
        #expect(runCount.update { $0 } == 1000)
    }

    @Test func `the job after the last place in the queue is refused`() {
        enum Phase { case idle, running, released }
        let phase = Monitor(Phase.idle)
        let pool = WorkerPool(threadCount: 1, queueCountMax: 2)
        let isBusy = pool.submit { _ in
            phase.update { $0 = .running }
            _ = phase.wait { $0 == .released ? true : nil }
        }
        _ = phase.wait { $0 == .running ? true : nil }

        let accepted = (0..<3).map { _ in pool.submit { _ in } }
        phase.update { $0 = .released }
        pool.close()

        #expect(isBusy)
        #expect(accepted == [true, true, false])
        #expect(pool.refusedCount == 1)
        #expect(pool.lateCount == 0)
    }

    @Test func `a job that waited too long is told so`() {
        enum Phase { case idle, running, released }
        let phase = Monitor(Phase.idle)
        let clock = FakeClock()
        let pool = WorkerPool(
            threadCount: 1, queueCountMax: 2, waitMax: .seconds(2), time: clock)
        let lateness = Monitor([Bool]())
        _ = pool.submit { isLate in
            lateness.update { $0.append(isLate) }
            phase.update { $0 = .running }
            _ = phase.wait { $0 == .released ? true : nil }
        }
        _ = phase.wait { $0 == .running ? true : nil }
        _ = pool.submit { isLate in lateness.update { $0.append(isLate) } }
        clock.advance(by: .seconds(2))
        _ = pool.submit { isLate in lateness.update { $0.append(isLate) } }
        clock.advance(by: .milliseconds(1))

        phase.update { $0 = .released }
        pool.close()

        #expect(lateness.withLock { $0 } == [false, true, false])
        #expect(pool.lateCount == 1)
        #expect(pool.refusedCount == 0)
    }

    @Test func `a closed pool takes nothing`() {
        let pool = WorkerPool(threadCount: 1, queueCountMax: 1)
        pool.close()

        #expect(!pool.submit { _ in })
    }
}
