// OutboundQueue: what one connection has still to send, as a list of segments.
//
//   Slot.queue ─▶ segment ─▶ segment ─▶ segment          owned: bytes of this connection only
//                  owned      shared     owned           shared: a reference to a SharedBytes
//
// Segments come from one pool per loop and go back to it, so queueing a shared payload for a
// connection allocates nothing once the pool has grown to its working size.
//
// Thread: one loop.  Allocates: the bytes of owned segments; the pool when it grows.

import CLinux
import Glibc

/// A queue is twelve bytes inside its slot; the segments live in the pool.
package struct OutboundQueue {
    /// First and last segment as index + 1; 0 is none.
    fileprivate(set) var head: UInt32 = 0
    fileprivate(set) var tail: UInt32 = 0
    private var queued: UInt32 = 0

    package init() {}

    var isEmpty: Bool { head == 0 }

    /// At most 4 GiB - 1: the limits allow far less, and one message has less.
    package fileprivate(set) var byteCount: Int {
        get { Int(queued) }
        set { queued = UInt32(newValue) }
    }
}

/// All segments of one loop.
package struct SegmentPool: ~Copyable {
    private struct Segment {
        /// Next of its queue, or of the free list; index + 1, 0 is none.
        var next: UInt32 = 0
        /// Bytes `start..<end` are still to be sent.
        var start = 0
        var end = 0
        /// Size of the block of an owned segment; 0 for a shared one.
        var capacity = 0
        var base: UnsafeMutableRawPointer?
        var shared: SharedBytes?
    }

    private var segments: UnsafeMutablePointer<Segment>
    private var count = 0
    private var capacity: Int
    private var firstFree: UInt32 = 0
    /// Segments in use, for tests and metrics.
    private(set) var liveCount = 0

    /// Small writes that follow each other share one block of at least this size.
    private static let ownedByteCountMin = 512

    package init(capacity: Int = 256) {
        self.capacity = capacity
        segments = .allocate(capacity: capacity)
    }

    deinit { segments.deallocate() }

    private mutating func take() -> Int {
        liveCount += 1
        if firstFree != 0 {
            let index = Int(firstFree - 1)
            firstFree = segments[index].next
            return index
        }
        if count == capacity { grow() }
        count += 1
        (segments + count - 1).initialize(to: Segment())
        return count - 1
    }

    @inline(never) private mutating func grow() {
        let larger = UnsafeMutablePointer<Segment>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: segments, count: count)
        segments.deallocate()
        segments = larger
        capacity *= 2
    }

    private mutating func putBack(_ index: Int) {
        if let shared = segments[index].shared {
            shared.release()
        } else {
            free(segments[index].base)
        }
        segments[index] = Segment(next: firstFree)
        firstFree = UInt32(index) + 1
        liveCount -= 1
    }

    private mutating func link(_ index: Int, to queue: inout OutboundQueue) {
        let name = UInt32(index) + 1
        if queue.tail == 0 {
            queue.head = name
        } else {
            segments[Int(queue.tail - 1)].next = name
        }
        queue.tail = name
    }

    /// Copies `bytes` behind what is queued.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, to queue: inout OutboundQueue) {
        guard bytes.count > 0 else { return }
        queue.byteCount += bytes.count
        if queue.tail != 0 {
            let last = segments + Int(queue.tail - 1)
            if last.pointee.capacity - last.pointee.end >= bytes.count {
                (last.pointee.base! + last.pointee.end).copyMemory(
                    from: bytes.baseAddress!, byteCount: bytes.count)
                last.pointee.end += bytes.count
                return
            }
        }
        let index = take()
        let capacity = max(bytes.count, Self.ownedByteCountMin)
        let base = malloc(capacity)!
        base.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        segments[index] = Segment(end: bytes.count, capacity: capacity, base: base)
        link(index, to: &queue)
    }

    /// Queues one more reference to `payload`, of which the first `start` bytes are sent already.
    package mutating func append(
        _ payload: SharedBytes, from start: Int = 0, to queue: inout OutboundQueue
    ) {
        let end = payload.bytes.count
        guard start < end else { return }
        payload.retain()
        let index = take()
        segments[index] = Segment(start: start, end: end, shared: payload)
        queue.byteCount += end - start
        link(index, to: &queue)
    }

    /// Fills `vectors` from the front of the queue with at most `byteCountMax` bytes.
    /// - Returns: how many vectors are filled, and their bytes together.
    package func gather(
        _ queue: OutboundQueue, into vectors: UnsafeMutableBufferPointer<iovec>, byteCountMax: Int
    ) -> (vectorCount: Int, byteCount: Int) {
        var cursor = queue.head
        var filled = 0
        var total = 0
        while cursor != 0, filled < vectors.count, total < byteCountMax {
            let bytes = pending(Int(cursor - 1))
            let taken = min(bytes.count, byteCountMax - total)
            vectors[filled] = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: taken)
            filled += 1
            total += taken
            cursor = segments[Int(cursor - 1)].next
        }
        return (filled, total)
    }

    /// The unsent bytes of one segment.
    private func pending(_ index: Int) -> UnsafeRawBufferPointer {
        let segment = segments[index]
        let base = segment.shared?.bytes.baseAddress ?? UnsafeRawPointer(segment.base!)
        return UnsafeRawBufferPointer(
            start: base + segment.start, count: segment.end - segment.start)
    }

    /// Drops `byteCount` bytes from the front: the socket has taken them.
    package mutating func consume(_ byteCount: Int, from queue: inout OutboundQueue) {
        precondition(byteCount <= queue.byteCount)
        queue.byteCount -= byteCount
        var left = byteCount
        while left > 0 {
            let index = Int(queue.head - 1)
            let available = segments[index].end - segments[index].start
            if left < available {
                segments[index].start += left
                return
            }
            left -= available
            queue.head = segments[index].next
            putBack(index)
        }
        if queue.head == 0 { queue.tail = 0 }
        assert((queue.byteCount == 0) == (queue.head == 0))
    }

    mutating func removeAll(_ queue: inout OutboundQueue) {
        consume(queue.byteCount, from: &queue)
    }
}
