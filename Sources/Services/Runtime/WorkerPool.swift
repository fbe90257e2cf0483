// WorkerPool: a fixed number of threads for calls that block, so that no loop ever does.
//
//   loop ── submit ──▶ [ bounded queue ] ──▶ worker 0…n-1 ──▶ job ──▶ (job posts its reply itself)
//              └── full: false, and the caller says 503
//
// Thread: `submit` from any; jobs run on the workers, each once.  Allocates: the job's closure.
// Source: man 3 pthread_cond_wait.

import CLinux
import Glibc

public final class WorkerPool: @unchecked Sendable {
    // Sendable by hand: every stored `var` below is touched only between lock() and unlock(), and a
    // condition variable cannot live inside Synchronization's Mutex.
    public typealias Job = @Sendable () -> Void

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let jobArrived: UnsafeMutablePointer<pthread_cond_t>
    private var jobs: [Job] = []
    /// Jobs before this index are taken; the array is emptied when it reaches the end.
    private var nextIndex = 0
    private var isClosed = false
    private var threads: [pthread_t] = []
    private let queueCountMax: Int

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threadCount: at least 1.
    ///   - queueCountMax: jobs that may wait; at least 1.
    public init(threadCount: Int, queueCountMax: Int) {
        precondition(threadCount > 0)
        precondition(queueCountMax > 0)
        self.queueCountMax = queueCountMax
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        jobArrived = .allocate(capacity: 1)
        pthread_cond_init(jobArrived, nil)
        for _ in 0..<threadCount { threads.append(start()) }
    }

    deinit {
        // Threads hold a reference each, so none is left when this runs.
        pthread_cond_destroy(jobArrived)
        jobArrived.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Queues `job`; false, and `job` never runs, when the queue is full or the pool is closed.
    public func submit(_ job: @escaping Job) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isClosed, waitingCount < queueCountMax else { return false }
        jobs.append(job)
        pthread_cond_signal(jobArrived)
        return true
    }

    /// Lets the workers finish what is queued, and waits for their end. Not from a worker.
    public func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        let ending = threads
        threads = []
        pthread_cond_broadcast(jobArrived)
        pthread_mutex_unlock(mutex)
        for thread in ending { pthread_join(thread, nil) }
    }

    private var waitingCount: Int { jobs.count - nextIndex }

    private func start() -> pthread_t {
        var thread = pthread_t()
        let pool = Unmanaged.passRetained(self).toOpaque()
        let result = pthread_create(&thread, nil, Self.threadMain, pool)
        // Only at start; a server without its workers could answer nothing.
        precondition(result == 0, "pthread_create failed with errno \(result)")
        return thread
    }

    private static let threadMain:
        @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            clinux_name_thread("worker")
            Unmanaged<WorkerPool>.fromOpaque($0!).takeRetainedValue().run()
            return nil
        }

    private func run() {
        while let job = next() { job() }
    }

    /// Waits for a job; nil once the pool is closed and the queue empty.
    private func next() -> Job? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while waitingCount == 0 {
            if isClosed { return nil }
            pthread_cond_wait(jobArrived, mutex)
        }
        let job = jobs[nextIndex]
        nextIndex += 1
        // Forgetting the taken half at once keeps the cost per job constant.
        if nextIndex * 2 >= jobs.count {
            jobs.removeFirst(nextIndex)
            nextIndex = 0
        }
        return job
    }
}
