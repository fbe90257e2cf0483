import Glibc
import Synchronization
import Testing

@testable import Services

@Suite("WorkerPool") struct WorkerPoolTests {
    /// Opens once; waits without sleeping.
    private final class Gate: @unchecked Sendable {
        private let semaphore: UnsafeMutablePointer<sem_t> = {
            let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
            sem_init(semaphore, 0, 0)
            return semaphore
        }()
        deinit { semaphore.deallocate() }
        func open() { sem_post(semaphore) }
        func wait() { while sem_wait(semaphore) != 0 {} }
    }

    @Test func `every accepted job runs exactly once before close returns`() {
        let count = Atomic<Int>(0)
        let pool = WorkerPool(threadCount: 4, queueCountMax: 1000)

        withExtendedLifetime(pool) {
            let counter = Counter()
            for _ in 0..<1000 {
                let isAccepted = pool.submit { counter.increment() }
                #expect(isAccepted)
            }
            pool.close()
            count.store(counter.value, ordering: .relaxed)
        }

        #expect(count.load(ordering: .relaxed) == 1000)
    }

    @Test func `the job after the last place in the queue is refused`() {
        let pool = WorkerPool(threadCount: 1, queueCountMax: 2)
        let started = Gate()
        let release = Gate()
        let isBusy = pool.submit {
            started.open()
            release.wait()
        }
        started.wait()

        let accepted = (0..<3).map { _ in pool.submit {} }
        release.open()
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

private final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.add(1, ordering: .relaxed) }
}
