// TimerWheel: one coarse deadline per index, O(1) to arm, disarm and expire.
//
//   bucket   0    1    2   …  1023          a bucket holds the deadlines of its tick and of every
//           ┌──┐ ┌──┐ ┌──┐   ┌──┐           1024th tick after it; a walk skips those that are not
//           │ ●│ │  │ │ ●│   │  │           due yet
//           └┼─┘ └──┘ └┼─┘   └──┘
//            ▼         ▼
//         entry ⇄ entry ⇄ …               doubly linked through the entries themselves
//
// Thread: one loop.  Allocates: once, in init.
// Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 6.

import Glibc

/// Deadlines for the indices `0..<capacity`.
package struct TimerWheel: ~Copyable {
    /// The resolution. A deadline fires up to one tick late and never early.
    package static let tickNanoseconds: UInt64 = 16_000_000
    static let bucketCount: UInt64 = 1024

    private struct Entry {
        /// Neighbours as index + 1; 0 is none.
        var next: UInt32
        var previous: UInt32
        /// 0 while disarmed.
        var deadlineTick: UInt64
    }

    let capacity: UInt32
    private let entries: UnsafeMutablePointer<Entry>
    /// First entry of each bucket as index + 1.
    private let buckets: UnsafeMutablePointer<UInt32>
    /// All deadlines at or before this tick have fired.
    private var expiredTick: UInt64
    /// The buckets between the one of `expiredTick` and this one, included, are known to be empty. So
    /// that each is looked into once, and not again whenever the loop goes to sleep.
    private var emptyTick: UInt64
    package private(set) var armedCount = 0

    package init(capacity: UInt32, now: MonotonicInstant) {
        self.capacity = capacity
        // calloc of this size is an anonymous mapping: entries never used cost no memory.
        entries = calloc(Int(capacity), MemoryLayout<Entry>.stride)!
            .bindMemory(to: Entry.self, capacity: Int(capacity))
        buckets = calloc(Int(Self.bucketCount), MemoryLayout<UInt32>.stride)!
            .bindMemory(to: UInt32.self, capacity: Int(Self.bucketCount))
        expiredTick = now.nanoseconds / Self.tickNanoseconds
        emptyTick = expiredTick
    }

    deinit {
        free(entries)
        free(buckets)
    }

    /// Arms `index` for `deadline`, replacing an earlier one.
    package mutating func arm(_ index: UInt32, at deadline: MonotonicInstant) {
        precondition(index < capacity)
        if entries[Int(index)].deadlineTick != 0 { disarm(index) }
        // Rounded up, and at least one tick ahead: a deadline never fires early.
        let tick = max(
            expiredTick + 1,
            (deadline.nanoseconds + Self.tickNanoseconds - 1) / Self.tickNanoseconds)
        let bucket = Int(tick % Self.bucketCount)
        let first = buckets[bucket]
        entries[Int(index)] = Entry(next: first, previous: 0, deadlineTick: tick)
        if first != 0 { entries[Int(first - 1)].previous = index + 1 }
        buckets[bucket] = index + 1
        armedCount += 1
        // The bucket comes round once every `bucketCount` ticks.
        let ahead = (tick - expiredTick - 1) % Self.bucketCount
        emptyTick = min(emptyTick, expiredTick + ahead)
    }

    func isArmed(_ index: UInt32) -> Bool { entries[Int(index)].deadlineTick != 0 }

    package mutating func disarm(_ index: UInt32) {
        precondition(index < capacity)
        let entry = entries[Int(index)]
        guard entry.deadlineTick != 0 else { return }
        if entry.previous != 0 {
            entries[Int(entry.previous - 1)].next = entry.next
        } else {
            buckets[Int(entry.deadlineTick % Self.bucketCount)] = entry.next
        }
        if entry.next != 0 { entries[Int(entry.next - 1)].previous = entry.previous }
        entries[Int(index)].deadlineTick = 0
        armedCount -= 1
        assert(armedCount >= 0)
    }

    /// Disarms everything due at `now` and appends the indices to `due`.
    package mutating func expire(at now: MonotonicInstant, into due: inout [UInt32]) {
        let nowTick = now.nanoseconds / Self.tickNanoseconds
        guard nowTick > expiredTick else { return }
        // After a long pause one full turn visits every bucket.
        let turns = min(nowTick - expiredTick, Self.bucketCount)
        for tick in (nowTick - turns + 1)...nowTick {
            var cursor = buckets[Int(tick % Self.bucketCount)]
            while cursor != 0 {
                let index = cursor - 1
                cursor = entries[Int(index)].next
                if entries[Int(index)].deadlineTick <= nowTick {
                    disarm(index)
                    due.append(index)
                }
            }
        }
        expiredTick = nowTick
    }

    /// Milliseconds until the next bucket that holds anything, at most `limit`.
    mutating func millisecondsToNext(from now: MonotonicInstant, limit: Int32) -> Int32 {
        if armedCount == 0 { return limit }
        let horizon = expiredTick + UInt64(limit) * 1_000_000 / Self.tickNanoseconds
        var tick = max(emptyTick, expiredTick) + 1
        while tick <= horizon, buckets[Int(tick % Self.bucketCount)] == 0 { tick += 1 }
        emptyTick = tick - 1
        guard tick <= horizon else { return limit }
        let due = tick * Self.tickNanoseconds
        if due <= now.nanoseconds { return 0 }
        // Rounded up: waking a moment early would only spin through an empty tick.
        return min(limit, Int32((due - now.nanoseconds + 999_999) / 1_000_000))
    }
}
