// AcceptQueue: many waiting POSTs, one commit.
//
//   loop ── submit ──▶ [waiting …] ──▶ accept thread: take all ──▶ one commit ──▶ completions
//                          ▲                                          │
//                          └── what comes during a commit waits for the next one
//
// A commit costs one wait for the disk however many orders are in it, so the batch grows with the
// load and the rate is not bound to the disk's.
//
// Thread: submit from any; step on one.  Allocates: per request.

import Loop

public final class AcceptQueue: SteppedRole, Sendable {
    public struct Limits: Sendable {
        /// Requests that may wait; more are refused, and the client is told to come again (503).
        public var waitingCountMax = 4096
        /// Requests in one commit.
        public var batchCountMax = 256
        /// A request that waited longer is refused (503) instead of committed: with the store's own
        /// deadline behind it the answer still comes within the client's patience of 5 s.
        public var waitMax: Duration = .seconds(2)
        public init() {}
    }

    /// Called once, on the accept thread; hands the outcome to whoever waits and returns soon.
    public typealias Completion = @Sendable (Result<AcceptOutcome, StoreError>) -> Void

    private struct Waiting: Sendable {
        let request: AcceptRequest
        let since: MonotonicInstant
        let completion: Completion
    }

    private struct State: Sendable {
        var waiting: [Waiting] = []
        var isClosed = false
        var isWoken = false
    }

    private let acceptOrder: AcceptOrder
    private let limits: Limits
    let counters: OrderCounters
    private let time: any TimeSource
    private let state = Monitor(State())

    public init(
        acceptOrder: AcceptOrder, limits: Limits = Limits(),
        counters: OrderCounters = OrderCounters(), time: any TimeSource = SystemTime()
    ) {
        self.acceptOrder = acceptOrder
        self.limits = limits
        self.counters = counters
        self.time = time
    }

    /// Queues one request.
    ///
    /// - Returns: false if the queue is full or closed; `completion` is not called then.
    public func submit(_ request: AcceptRequest, _ completion: @escaping Completion) -> Bool {
        let waiting = Waiting(request: request, since: time.monotonicNow, completion: completion)
        let isQueued = state.update { state in
            if state.isClosed || state.waiting.count >= limits.waitingCountMax { return false }
            state.waiting.append(waiting)
            return true
        }
        if !isQueued { counters.intakeRefused.add(1) }
        return isQueued
    }

    /// Requests that wait for a commit.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }

    public func step(wait: Duration) -> StepOutcome {
        let batch = state.wait(atMost: wait) { [limits] (state: inout State) -> [Waiting]? in
            if state.waiting.isEmpty { return state.isWoken ? [] : nil }
            let batch = Array(state.waiting.prefix(limits.batchCountMax))
            state.waiting.removeFirst(batch.count)
            return batch
        }
        guard let batch, !batch.isEmpty else { return .idle }
        let now = time.monotonicNow
        let isLate = { [limits] (waiting: Waiting) in
            waiting.since.duration(to: now) > limits.waitMax
        }
        for waiting in batch where isLate(waiting) {
            counters.intakeRefused.add(1)
            waiting.completion(.failure(.unavailable("the order waited too long for a commit")))
        }
        let punctual = batch.filter { !isLate($0) }
        if !punctual.isEmpty { commit(punctual) }
        return .worked(batch.count)
    }

    public var wake: @Sendable () -> Void { { [state] in state.update { $0.isWoken = true } } }

    /// Takes no more, and commits what waits.
    public func finish() {
        state.withLock { $0.isClosed = true }
        while case .worked = step(wait: .zero) {}
    }

    private func commit(_ batch: [Waiting]) {
        do {
            let outcomes = try acceptOrder.commit(batch.map(\.request))
            for (waiting, outcome) in zip(batch, outcomes) { waiting.completion(.success(outcome)) }
        } catch {
            guard case .failed = error, batch.count > 1 else {
                for waiting in batch { waiting.completion(.failure(error)) }
                return
            }
            // One of them breaks the commit of all; alone, only that one fails.
            for waiting in batch { commit([waiting]) }
        }
    }
}
