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
        public init() {}
    }

    /// Called once, on the accept thread; hands the outcome to whoever waits and returns soon.
    public typealias Completion = @Sendable (Result<AcceptOutcome, StoreError>) -> Void

    private struct Waiting: Sendable {
        let request: AcceptRequest
        let completion: Completion
    }

    private struct State: Sendable {
        var waiting: [Waiting] = []
        var isClosed = false
    }

    private let acceptOrder: AcceptOrder
    private let limits: Limits
    private let counters: OrderCounters
    private let state = Monitor(State())

    public init(
        acceptOrder: AcceptOrder, limits: Limits = Limits(),
        counters: OrderCounters = OrderCounters()
    ) {
        self.acceptOrder = acceptOrder
        self.limits = limits
        self.counters = counters
    }

    /// Queues one request.
    ///
    /// - Returns: false if the queue is full or closed; `completion` is not called then.
    public func submit(_ request: AcceptRequest, _ completion: @escaping Completion) -> Bool {
        let isQueued = state.update { state in
            if state.isClosed || state.waiting.count >= limits.waitingCountMax { return false }
            state.waiting.append(Waiting(request: request, completion: completion))
            return true
        }
        if !isQueued { counters.intakeRefused.add(1) }
        return isQueued
    }

    public func step(wait: Duration) -> StepOutcome {
        let batch = state.wait(atMost: wait) { [limits] (state: inout State) -> [Waiting]? in
            if state.waiting.isEmpty { return nil }
            let batch = Array(state.waiting.prefix(limits.batchCountMax))
            state.waiting.removeFirst(batch.count)
            return batch
        }
        guard let batch else { return .idle }
        commit(batch)
        return .worked(batch.count)
    }

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
