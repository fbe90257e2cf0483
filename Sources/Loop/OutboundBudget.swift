// OutboundBudget: what all loops of a group may hold together for peers that have not taken it yet.
//
//   loop 0: 3.2 MiB ─┐ told in steps of 64 KiB
//   loop 1: 0.1 MiB ─┴▶ total ──▶ above the maximum: who holds more than its share sheds
//
// A loop counts in a plain integer; the atomic is touched when that has moved by a step, and read once
// a tick. The total is exact to a step per loop.
//
// Thread: OutboundBudget, any; OutboundAccount, one loop.  Allocates: once.

import Synchronization

public final class OutboundBudget: Sendable {
    public let byteCountMax: Int
    /// If all together are above the maximum, at least one loop is above this.
    let loopShare: Int
    private let total = Atomic<Int>(0)

    public init(byteCountMax: Int, loopCount: Int) {
        precondition(byteCountMax > 0 && loopCount > 0)
        self.byteCountMax = byteCountMax
        loopShare = byteCountMax / loopCount
    }

    /// Of all loops.
    public var byteCount: Int { total.load(ordering: .relaxed) }

    var isExceeded: Bool { byteCount > byteCountMax }

    fileprivate func add(_ byteCount: Int) { total.add(byteCount, ordering: .relaxed) }
}

/// One loop's part of a budget.
struct OutboundAccount {
    static let step = 64 * 1024

    let budget: OutboundBudget
    private var told = 0
    /// Whether all loops together are above the maximum, as of the last look.
    private(set) var isOverdrawn = false

    init(_ budget: OutboundBudget) { self.budget = budget }

    /// Whether the loop holds so much more than it has told.
    func hasGrown(to byteCount: Int) -> Bool { byteCount - told >= Self.step }

    mutating func tell(_ byteCount: Int) {
        budget.add(byteCount - told)
        told = byteCount
        isOverdrawn = budget.isExceeded
    }

    /// Whether there is nothing to settle: a loop that holds nothing has nothing to give up either.
    func isClear(_ byteCount: Int) -> Bool { byteCount == 0 && told == 0 && !isOverdrawn }

    /// Once a tick.
    mutating func settle(_ byteCount: Int) {
        if abs(byteCount - told) >= Self.step || byteCount == 0 && told != 0 {
            tell(byteCount)
        } else {
            isOverdrawn = budget.isExceeded
        }
    }

    /// How much this loop should give up; zero or less: nothing. A sixteenth of the budget is made free
    /// at a time, so that the next tick has not to begin again.
    func excess(_ byteCount: Int) -> Int {
        guard isOverdrawn else { return 0 }
        let others = budget.byteCount - told
        let target = budget.byteCountMax - budget.byteCountMax / 16
        return min(others + byteCount - target, byteCount - budget.loopShare)
    }
}
