// PollBacklog: whole hub messages that wait for the next poll, of which some may be left out.
//
//   [ completion ] [ push ] [ push about x ] [ completion ] [ push about x ]
//                    oldest ─▶ dropped first      └ superseded by the newer one
//
// Thread: one loop.  Allocates: per message.

import Loop

struct PollBacklog {
    private struct Entry {
        /// Empty once it is left out.
        var bytes: [UInt8]
        let expendability: Expendability
    }

    private var entries: [Entry] = []
    private var emptyCount = 0
    /// In front of it nothing is left that could be dropped.
    private var oldest = 0
    private(set) var byteCount = 0

    mutating func append(_ bytes: [UInt8], _ expendability: Expendability) {
        entries.append(Entry(bytes: bytes, expendability: expendability))
        byteCount += bytes.count
    }

    /// Leaves out pushes, the oldest first, until at most `byteCountMax` bytes wait.
    /// - Returns: how many.
    mutating func drop(downTo byteCountMax: Int) -> Int {
        var count = 0
        while byteCount > byteCountMax, oldest < entries.count {
            if entries[oldest].expendability != .kept { count += leaveOut(oldest) }
            oldest += 1
        }
        compact()
        return count
    }

    /// Leaves out what is about this subject.
    /// - Returns: how many.
    mutating func drop(about subject: Expendability) -> Int {
        var count = 0
        for position in entries.indices where entries[position].expendability == subject {
            count += leaveOut(position)
        }
        compact()
        return count
    }

    mutating func takeAll() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for entry in entries { bytes += entry.bytes }
        self = PollBacklog()
        return bytes
    }

    private mutating func leaveOut(_ position: Int) -> Int {
        if entries[position].bytes.isEmpty { return 0 }
        byteCount -= entries[position].bytes.count
        entries[position].bytes = []
        emptyCount += 1
        return 1
    }

    private mutating func compact() {
        guard emptyCount > 64, emptyCount * 2 > entries.count else { return }
        entries.removeAll { $0.bytes.isEmpty }
        emptyCount = 0
        oldest = 0
    }
}
