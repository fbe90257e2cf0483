// OutboundQueue+Overflow: what goes first, or not at all, when a peer does not read.
//
//   [ begun ] ─▶ [ owned ] ─▶ [ push ] ─▶ [ push ] ─▶ [ owned ] ─▶ [ push ]
//                            ▲ └────────────┴── may be dropped ────────┘
//                            └ a control frame may go in here
//
// A frame's header and payload may stand in two owned segments, so nothing is put between those. In
// front of a shared payload of which nothing is sent a frame begins, and where it ends the next one
// does: it can be taken out, and another can go before it.
//
// Thread: one loop.  Allocates: the block of a control frame.

extension SegmentPool {
    /// Takes out expendable payloads of which nothing is sent, the oldest first, until at most
    /// `byteCountMax` bytes are queued.
    ///
    /// - Parameter subject: only those that are about it; nil: all.
    /// - Returns: how many.
    mutating func drop(
        about subject: Expendability? = nil, from queue: inout OutboundQueue,
        downTo byteCountMax: Int
    ) -> Int {
        var count = 0
        var previous: UInt32 = 0
        var cursor = queue.head
        while cursor != 0, queue.byteCount > byteCountMax {
            let segment = segments[Int(cursor - 1)]
            if isExpendable(segment, about: subject) {
                unlink(cursor, behind: previous, from: &queue)
                count += 1
            } else {
                previous = cursor
            }
            cursor = segment.next
        }
        assert((queue.byteCount == 0) == (queue.head == 0))
        return count
    }

    private func isExpendable(_ segment: Segment, about subject: Expendability?) -> Bool {
        guard segment.kind == .shared, segment.start == 0 else { return false }
        let expendability = SharedBytes(block: segment.block!).expendability
        return subject.map { $0 == expendability } ?? (expendability != .kept)
    }

    /// Puts a whole control frame in front of everything that may wait. One put there before, of which
    /// nothing is sent, gives way: only the answer to the latest ping counts (RFC 6455 §5.5.3).
    mutating func insert(control frame: UnsafeRawBufferPointer, into queue: inout OutboundQueue) {
        var previous: UInt32 = 0
        var cursor = queue.head
        while cursor != 0 {
            let segment = segments[Int(cursor - 1)]
            if segment.start == 0, segment.kind == .shared { break }
            if segment.start == 0, segment.kind == .control {
                unlink(cursor, behind: previous, from: &queue)
            } else {
                previous = cursor
            }
            cursor = segment.next
        }
        let name = UInt32(makeOwned(frame, capacity: frame.count, .control)) + 1
        queue.byteCount += frame.count
        segments[Int(name - 1)].next = cursor
        if cursor == 0 { queue.tail = name }
        if previous == 0 {
            queue.head = name
        } else {
            segments[Int(previous - 1)].next = name
        }
    }

    /// - Parameter previous: 0 for the first.
    private mutating func unlink(
        _ name: UInt32, behind previous: UInt32, from queue: inout OutboundQueue
    ) {
        let segment = segments[Int(name - 1)]
        if previous == 0 {
            queue.head = segment.next
        } else {
            segments[Int(previous - 1)].next = segment.next
        }
        if queue.tail == name { queue.tail = previous }
        queue.byteCount -= Int(segment.end - segment.start)
        putBack(Int(name - 1))
    }
}
