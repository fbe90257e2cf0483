// WorkerPool: a fixed number of threads for calls that block, so that no loop ever does.
//
//   loop ── submit ──▶ [ bounded queue ] ──▶ worker-0 … worker-n ──▶ job (posts its own reply)
//              └── full: false, and the caller says 503
//
// Thread: `submit` from any; a job runs on one worker, once.  Allocates: the job's closure.

import Loop

public final class WorkerPool: Sendable {
    public typealias Job = @Sendable () -> Void

    private struct State {
        var jobs: [Job] = []
        /// Jobs in front of this one are taken already.
        var nextIndex = 0
        var isClosed = false
        var waitingCount: Int { jobs.count - nextIndex }

        mutating func takeNext() -> Job {
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

    private enum Next { case job(Job), end }

    private let state: Monitor<State>
    private let threads: [NativeThread]
    private let queueCountMax: Int

    /// Starts the threads. They run until `close`.
    ///
    /// - Parameters:
    ///   - threadCount: at least 1.
    ///   - queueCountMax: jobs that may wait; at least 1.
    public init(threadCount: Int, queueCountMax: Int) {
        precondition(threadCount > 0)
        precondition(queueCountMax > 0)
        self.queueCountMax = queueCountMax
        let state = Monitor(State())
        self.state = state
        threads = (0..<threadCount).map { number in
            NativeThread(name: "worker-\(number)") { Self.run(state) }
        }
    }

    /// Queues `job`; false, and `job` never runs, when the queue is full or the pool is closed.
    public func submit(_ job: @escaping Job) -> Bool {
        state.update { state in
            guard !state.isClosed, state.waitingCount < queueCountMax else { return false }
            state.jobs.append(job)
            return true
        }
    }

    /// Jobs that wait for a worker.
    public var waitingCount: Int { state.update { $0.waitingCount } }

    /// Lets the workers finish what is queued, and waits for their end. Once, and not from a worker.
    public func close() {
        state.update { $0.isClosed = true }
        for thread in threads { thread.join() }
    }

    private static func run(_ state: Monitor<State>) {
        while case .job(let job) = next(state) { job() }
    }

    private static func next(_ state: Monitor<State>) -> Next {
        let next = state.wait { state -> Next? in
            if state.waitingCount > 0 { return .job(state.takeNext()) }
            return state.isClosed ? .end : nil
        }
        // Without a time-out the wait ends with a value only.
        return next ?? .end
    }
}
