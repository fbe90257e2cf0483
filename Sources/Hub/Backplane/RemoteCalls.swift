// RemoteCalls: what this pod waits for from others, and whether there is still somebody to wait for.
//
//   add ─▶ waiting ─ take: the answer has come ────────────────────────▶ told
//             │
//             │ round: how many listen on the channels of the connections concerned?
//             ├─ somebody ───────▶ waiting, 0 strikes
//             ├─ nobody ─▶ strike ─ and nobody again ──────────────────▶ its pod has gone
//             ├─ no answer to rounds for `blindTimeMax` ───────────────▶ all: Redis is away
//             └─ deadline; a call without one has it only while rounds are refused ─▶ overdue
//
// A pod listens on a connection's channel exactly as long as it holds the connection, and Redis drops
// the subscriptions of a process that dies at once. So the count tells a dead pod from a slow client,
// and needs nothing of the other pod: it may be .NET's.
//
// Two strikes: a pod whose subscribing connection was cut is back after a tenth of a second, and where
// a client goes its pod unsubscribes on one connection while it answers on the other.
//
// Thread: one loop.  Allocates: per call, and per round its list of channels.

import Loop

/// One call among those that wait.
enum RemoteCallID: Hashable {
    /// A group command, by its number.
    case change(Int64)
    /// A question to a client, by its invocation id.
    case question(String)
    /// A forwarded request, by its id.
    case request(String)
}

struct RemoteCalls<Waiter> {
    /// Rounds without a listener that end a call.
    private static var strikeCountMax: Int { 2 }

    private struct Call {
        let waiter: Waiter
        let holder: BackplaneScope
        let deadline: MonotonicInstant?
        let unwatchedDeadline: MonotonicInstant
        /// The first round that was begun behind the call.
        let firstRound: UInt64
        var strikeCount = 0
    }

    private let blindTimeMax: Duration
    private var calls: [RemoteCallID: Call] = [:]
    private var roundCount: UInt64 = 0
    /// What the round under way asks about; empty between rounds.
    private var asked: [BackplaneScope] = []
    /// When the first round was begun of those that have had no answer.
    private var blindSince: MonotonicInstant?
    private var lastBegan = MonotonicInstant(nanoseconds: 0)
    /// The server does not let us count listeners.
    private(set) var isRefused = false

    /// - Parameter blindTimeMax: how long the calls go on without a round that is answered.
    init(blindTimeMax: Duration) { self.blindTimeMax = blindTimeMax }

    var isEmpty: Bool { calls.isEmpty }

    func contains(_ id: RemoteCallID) -> Bool { calls[id] != nil }

    // MARK: Calls

    /// - Parameters:
    ///   - id: not among those that wait.
    ///   - holder: whose pod will answer: the listeners on its channel are counted.
    ///   - deadline: nil for what may take as long as it likes, if its pod lives.
    ///   - unwatchedDeadline: what counts in its place while the server refuses to count.
    mutating func add(
        _ id: RemoteCallID, _ waiter: Waiter, heldBy holder: BackplaneScope,
        deadline: MonotonicInstant?, unwatchedDeadline: MonotonicInstant
    ) {
        assert(calls[id] == nil, "ids are unique")
        // Nobody was blind while there was nothing to look at.
        if calls.isEmpty { blindSince = nil }
        calls[id] = Call(
            waiter: waiter, holder: holder, deadline: deadline,
            unwatchedDeadline: unwatchedDeadline, firstRound: roundCount + 1)
    }

    /// The call has ended; nil if it has before.
    mutating func take(_ id: RemoteCallID) -> Waiter? { calls.removeValue(forKey: id)?.waiter }

    mutating func takeAll() -> [Waiter] {
        defer { calls = [:] }
        return calls.values.map(\.waiter)
    }

    mutating func takeOverdue(at now: MonotonicInstant) -> [Waiter] {
        let isRefused = isRefused
        return take { call in
            let deadline = isRefused ? call.unwatchedDeadline : call.deadline
            return deadline.map { $0 <= now } ?? false
        }
    }

    private mutating func take(where isOver: (Call) -> Bool) -> [Waiter] {
        let ids = calls.filter { isOver($0.value) }.map(\.key)
        return ids.compactMap { calls.removeValue(forKey: $0)?.waiter }
    }

    // MARK: Rounds

    /// Whose listeners to count now, each once. Empty if there is nobody to ask about, if the answer
    /// to the last round is missing, or if the server refuses.
    mutating func beginRound(at now: MonotonicInstant) -> [BackplaneScope] {
        if isRefused || !asked.isEmpty { return [] }
        asked = Array(Set(calls.values.lazy.map(\.holder)))
        if asked.isEmpty { return [] }
        roundCount += 1
        lastBegan = now
        return asked
    }

    /// - Parameter listenerCounts: in the order of what was asked.
    /// - Returns: calls whose pod has gone.
    mutating func roundAnswered(_ listenerCounts: [Int64]) -> [Waiter] {
        precondition(listenerCounts.count == asked.count)
        let vacant = Set(zip(asked, listenerCounts).lazy.filter { $0.1 == 0 }.map(\.0))
        asked = []
        blindSince = nil
        for (id, call) in calls where call.firstRound <= roundCount {
            let strikeCount = vacant.contains(call.holder) ? call.strikeCount + 1 : 0
            if strikeCount != call.strikeCount { calls[id]?.strikeCount = strikeCount }
        }
        return take { $0.strikeCount >= Self.strikeCountMax }
    }

    /// The round has had no answer.
    /// - Returns: true if that is so for too long: whether the pods live nobody knows.
    mutating func roundFailed(at now: MonotonicInstant) -> Bool {
        asked = []
        let since = blindSince ?? lastBegan
        blindSince = since
        guard since.duration(to: now) >= blindTimeMax else { return false }
        blindSince = nil
        return true
    }

    /// The server refuses to count: deadlines must do.
    mutating func roundRefused() {
        asked = []
        blindSince = nil
        isRefused = true
    }

    /// There is a new connection, perhaps to a server that has given us the right.
    mutating func connected() { isRefused = false }
}
