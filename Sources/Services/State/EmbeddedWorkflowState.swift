// EmbeddedWorkflowState: the workflow state of a single process, in memory.
//
//   entries   correlation ──▶ owner, status, deadline
//   order     correlation, correlation, …      by first write; the front is looked at on writes
//
// Expiry needs no thread: every write throws out at most two expired entries from the front. One
// that was refreshed keeps its place, so those behind it may stay a little longer; readers look at
// the deadline and never see them.
//
// Thread: any.  Allocates: per entry.

import Loop
import Synchronization

public final class EmbeddedWorkflowState: WorkflowState {
    public struct Settings: Sendable {
        /// `WorkflowState:Ttl`: how long an entry lives after its last write.
        public var timeToLive: Duration = .seconds(30 * 60)
        /// More entries push the oldest out; readers then fall back to the database. One takes some
        /// 200 bytes.
        public var entryCountMax = 200_000
        public init() {}
    }

    private struct Entry: Sendable {
        var owner: String
        /// Nil where only an owner was claimed.
        var status: WorkflowStatus?
        var deadline: MonotonicInstant
    }

    private struct State: Sendable {
        var entries: [CorrelationID: Entry] = [:]
        var order: [CorrelationID] = []
        /// `order` before this index is used up.
        var front = 0
    }

    private let settings: Settings
    private let clock: any TimeSource
    private let state = Mutex(State())

    public init(settings: Settings = Settings(), clock: any TimeSource = SystemTime()) {
        precondition(settings.entryCountMax > 0)
        self.settings = settings
        self.clock = clock
    }

    /// Entries that take memory, expired ones included.
    public var entryCount: Int { state.withLock { $0.entries.count } }

    public func begin(_ orders: [(correlation: CorrelationID, user: String)]) {
        let now = clock.monotonicNow
        state.withLock { state in
            for order in orders {
                // An order that is repeated may have come further already.
                let status =
                    live(order.correlation, now: now, in: state)?.status
                    ?? WorkflowStatus(status: .accepted, orderID: nil)
                put(order.correlation, owner: order.user, status: status, now: now, in: &state)
            }
        }
    }

    public func advance(_ changes: [(correlation: CorrelationID, status: WorkflowStatus)]) {
        let now = clock.monotonicNow
        state.withLock { state in
            for (correlation, status) in changes {
                guard var entry = live(correlation, now: now, in: state) else { continue }
                if let current = entry.status, current.status <= status.status {
                    entry.status = status
                }
                entry.deadline = now.advanced(by: settings.timeToLive)
                state.entries[correlation] = entry
            }
        }
    }

    public func status(_ correlation: CorrelationID) -> WorkflowStatus? {
        let now = clock.monotonicNow
        return state.withLock { live(correlation, now: now, in: $0)?.status }
    }

    public func owners(_ correlations: [CorrelationID]) -> [String?] {
        let now = clock.monotonicNow
        return state.withLock { state in
            correlations.map { live($0, now: now, in: state)?.owner }
        }
    }

    public func owner(_ correlation: CorrelationID) -> String? { owners([correlation])[0] }

    public func claim(_ correlation: CorrelationID, for user: String) -> String {
        let now = clock.monotonicNow
        return state.withLock { state in
            if let entry = live(correlation, now: now, in: state) { return entry.owner }
            put(correlation, owner: user, status: nil, now: now, in: &state)
            return user
        }
    }

    private func live(
        _ correlation: CorrelationID, now: MonotonicInstant, in state: State
    ) -> Entry? {
        guard let entry = state.entries[correlation], now < entry.deadline else { return nil }
        return entry
    }

    private func put(
        _ correlation: CorrelationID, owner: String, status: WorkflowStatus?,
        now: MonotonicInstant, in state: inout State
    ) {
        let deadline = now.advanced(by: settings.timeToLive)
        let old = state.entries.updateValue(
            Entry(owner: owner, status: status, deadline: deadline), forKey: correlation)
        if old == nil { state.order.append(correlation) }
        evict(now: now, from: &state)
        assert(state.entries.count == state.order.count - state.front)
        assert(state.entries.count <= settings.entryCountMax)
    }

    /// Looks at two entries per entry written, so that expired ones vanish faster than new ones come.
    private func evict(now: MonotonicInstant, from state: inout State) {
        var looksLeft = 2
        while state.front < state.order.count {
            let isFull = state.entries.count > settings.entryCountMax
            guard isFull || looksLeft > 0 else { break }
            looksLeft -= 1
            let oldest = state.order[state.front]
            let isExpired = state.entries[oldest].map { $0.deadline <= now } ?? true
            guard isFull || isExpired else { break }
            state.entries[oldest] = nil
            state.front += 1
        }
        if state.front * 2 > state.order.count {
            state.order.removeFirst(state.front)
            state.front = 0
        }
    }
}
