// RateTable: a token bucket for each of many keys, in memory that never grows.
//
//   key ─ SipHash ─▶ set 0    │ tag, bucket │ tag, bucket │ tag, bucket │ tag, bucket │
//                    set 1    │      …      │             │             │             │
//
// It works as a processor's cache does: a key has a place in one set only, and where all places of its
// set are taken, the bucket nearest to full makes room. That one has the least to forget: a full bucket
// is as good as none. So strangers with many addresses can neither fill our memory nor, as the hash is
// seeded per process, choose whose bucket they push out; they must spend requests to be forgiven some.
//
// Thread: any; one lock, held for four comparisons. For requests and connections, not for messages.
// Allocates: once, in init.

import Synchronization

public final class RateTable: Sendable {
    private struct Entry {
        /// 0: free.
        var tag: UInt64 = 0
        var bucket = TokenBucket()
    }

    /// Places in a set.
    private static let associativity = 4

    public let limit: RateLimit
    private let time: any TimeSource
    private let setCount: Int
    private let entries: Mutex<[Entry]>

    /// - Parameter countMax: keys remembered at most, 16 bytes each; a power of two, at least 4.
    public init(
        _ limit: RateLimit, countMax: Int = 65_536, time: any TimeSource = SystemTime()
    ) {
        precondition(countMax >= Self.associativity && countMax.nonzeroBitCount == 1)
        self.limit = limit
        self.time = time
        setCount = countMax / Self.associativity
        entries = Mutex(Array(repeating: Entry(), count: countMax))
    }

    /// Takes a token of the key's.
    ///
    /// - Returns: nil if there was one, else how long it takes until there is.
    public func take(_ key: some Hashable) -> Duration? {
        var hasher = Hasher()
        hasher.combine(key)
        let hash = UInt64(bitPattern: Int64(hasher.finalize()))
        let start = Int(hash % UInt64(setCount)) * Self.associativity
        // The set's number takes bits of the hash; the tag is all of it, and never 0.
        let tag = max(1, hash)
        let now = time.monotonicNow
        return entries.withLock { entries in
            let place = Self.place(of: tag, in: entries[start..<start + Self.associativity])
            if entries[place].tag != tag { entries[place] = Entry(tag: tag) }
            if entries[place].bucket.take(limit, at: now) { return nil }
            return now.duration(to: entries[place].bucket.hasTokenAt(limit))
        }
    }

    /// Where the tag stands, or what makes room for it.
    private static func place(of tag: UInt64, in entries: ArraySlice<Entry>) -> Int {
        var place = entries.startIndex
        for candidate in entries.indices {
            if entries[candidate].tag == tag { return candidate }
            if entries[candidate].bucket.fullAt < entries[place].bucket.fullAt {
                place = candidate
            }
        }
        return place
    }
}
