// WorkerPool: a fixed number of threads for calls that block, so that no loop ever does.
//
//   loop ── submit ──▶ [ bounded queue ] ──▶ worker-0 … worker-n ──▶ job (posts its own reply)
//              └── full: false, and the caller says 503        └── waited too long: it says so too
//
// Thread: `submit` from any; a job runs on one worker, once.  Allocates: the job's closure.

import Loop

public final class WorkerPool: Sendable {
    /// Called once, on a worker. With `isLate` the queue took longer than `waitMax`: whoever asked
    /// is about to give up, and the work would only delay the next one.
    public typealias Job = @Sendable (_ isLate: Bool) -> Void

    private struct Waiting {
        let job: Job
        let since: MonotonicInstant
    }

    private struct State {
        var jobs: [Waiting] = []
        /// Jobs in front of this one are taken already.
        var nextIndex = 0
        var isClosed = false
        var refusedCount = 0
        var lateCount = 0
        var waitingCount: Int { jobs.count - nextIndex }

        mutating func takeNext() -> Waiting {
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

    private enum Next { case job(Waiting), end }

    private let state: Monitor<State>
    private let threads: [NativeThread]
    private let queueCountMax: Int
    private let time: any TimeSource

    /// Starts the threads. They run until `close`.
    ///
    /// - Parameters:
    ///   - threadCount: at least 1.
    ///   - queueCountMax: jobs that may wait; at least 1.
    ///   - waitMax: a job that waited longer is late.
    public init(
        threadCount: Int, queueCountMax: Int, waitMax: Duration = .seconds(2),
        time: any TimeSource = SystemTime()
    ) {
        precondition(threadCount > 0)
        precondition(queueCountMax > 0)
        self.queueCountMax = queueCountMax
        self.time = time
        let state = Monitor(State())
        self.state = state
        threads = (0..<threadCount).map { number in
            NativeThread(name: "worker-\(number)") { Self.run(state, waitMax, time) }
        }
    }

    /// Queues `job`; false, and `job` never runs, when the queue is full or the pool is closed.
    public func submit(_ job: @escaping Job) -> Bool {
        let waiting = Waiting(job: job, since: time.monotonicNow)
        return state.update { state in
            guard !state.isClosed, state.waitingCount < queueCountMax else {
                state.refusedCount += 1
                return false
            }
            state.jobs.append(waiting)
            return true
        }
    }

    /// Jobs that wait for a worker.
    public var waitingCount: Int { state.withLock { $0.waitingCount } }
    /// Jobs refused so far.
    public var refusedCount: Int { state.withLock { $0.refusedCount } }
    /// Jobs so far that were told they are late.
    public var lateCount: Int { state.withLock { $0.lateCount } }

    /// Lets the workers finish what is queued, and waits for their end. Once, and not from a worker.
    public func close() {
        state.update { $0.isClosed = true }
        for thread in threads { thread.join() }
    }

    private static func run(
        _ state: Monitor<State>, _ waitMax: Duration, _ time: any TimeSource
    ) {
        while case .job(let waiting) = next(state) {
            let isLate = waiting.since.duration(to: time.monotonicNow) > waitMax
            if isLate { state.withLock { $0.lateCount += 1 } }
            waiting.job(isLate)
        }
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
