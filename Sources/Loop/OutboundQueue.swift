// OutboundQueue: what one connection has still to send, as a list of segments.
//
//   Slot.queue ─▶ segment ─▶ segment ─▶ segment          owned: bytes of this connection only
//                  owned      shared     owned           shared: a reference to a SharedBytes
//
// What goes first or not at all when a peer does not read is in OutboundQueue+Overflow. Segments come from one pool per loop and go back to it, so queueing a shared payload for a
// connection allocates nothing once the pool has grown to its working size.
//
// Thread: one loop.  Allocates: the bytes of owned segments; the pool when it grows.

import CLinux
import Glibc

/// A queue is twelve bytes inside its slot; the segments live in the pool.
package struct OutboundQueue {
    /// First and last segment as index + 1; 0 is none.
    var head: UInt32 = 0
    var tail: UInt32 = 0
    private var queued: UInt32 = 0

    package init() {}

    var isEmpty: Bool { head == 0 }

    /// At most 4 GiB - 1: the limits allow far less, and one message has less.
    package internal(set) var byteCount: Int {
        get { Int(queued) }
        set { queued = UInt32(newValue) }
    }
}

/// All segments of one loop.
package struct SegmentPool: ~Copyable {
    struct Segment {
        enum Kind: UInt8 {
            case owned, shared
            /// A whole control frame: owned, and nothing is put behind it into its block.
            case control
        }

        /// Next of its queue, or of the free list; index + 1, 0 is none.
        var next: UInt32 = 0
        /// Bytes `start..<end` are still to be sent.
        var start: UInt32 = 0
        var end: UInt32 = 0
        /// Size of an owned block.
        var capacity: UInt32 = 0
        /// Owned bytes, or a SharedBytes; nil on the free list.
        var block: UnsafeMutableRawPointer?
        var kind = Kind.owned
    }

    var segments: UnsafeMutablePointer<Segment>
    private var count = 0
    private(set) var capacity: Int
    private let capacityMin: Int
    private var firstFree: UInt32 = 0
    /// Segments in use.
    private(set) var liveCount = 0
    private var blockByteCount = 0

    /// Small writes that follow each other share one block of at least this size.
    private static let ownedByteCountMin = 512

    package init(capacity: Int = 256) {
        self.capacity = capacity
        capacityMin = capacity
        segments = .allocate(capacity: capacity)
    }

    deinit { segments.deallocate() }

    /// Memory that queued bytes take: segments, owned blocks, and each shared payload once.
    var heldByteCount: Int { blockByteCount + liveCount * MemoryLayout<Segment>.stride }

    /// Gives back what the pool has grown by in a burst, once nothing is queued.
    mutating func shrink() {
        guard liveCount == 0, capacity > capacityMin else { return }
        segments.deallocate()
        segments = .allocate(capacity: capacityMin)
        capacity = capacityMin
        count = 0
        firstFree = 0
    }

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

    mutating func putBack(_ index: Int) {
        let segment = segments[index]
        if segment.kind == .shared {
            let shared = SharedBytes(block: segment.block!)
            if shared.leftQueue() { blockByteCount -= shared.bytes.count }
            shared.release()
        } else {
            blockByteCount -= Int(segment.capacity)
            free(segment.block)
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
            if last.pointee.kind == .owned,
                Int(last.pointee.capacity - last.pointee.end) >= bytes.count
            {
                (last.pointee.block! + Int(last.pointee.end)).copyMemory(
                    from: bytes.baseAddress!, byteCount: bytes.count)
                last.pointee.end += UInt32(bytes.count)
                return
            }
        }
        let capacity = max(bytes.count, Self.ownedByteCountMin)
        link(makeOwned(bytes, capacity: capacity, .owned), to: &queue)
    }

    /// A segment of no queue yet.
    mutating func makeOwned(
        _ bytes: UnsafeRawBufferPointer, capacity: Int, _ kind: Segment.Kind
    ) -> Int {
        let index = take()
        let block = malloc(capacity)!
        block.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        blockByteCount += capacity
        segments[index] = Segment(
            end: UInt32(bytes.count), capacity: UInt32(capacity), block: block, kind: kind)
        return index
    }

    /// Queues one more reference to `payload`, of which the first `start` bytes are sent already.
    package mutating func append(
        _ payload: SharedBytes, from start: Int = 0, to queue: inout OutboundQueue
    ) {
        let end = payload.bytes.count
        guard start < end else { return }
        payload.retain()
        if payload.enteredQueue() { blockByteCount += end }
        let index = take()
        segments[index] = Segment(
            start: UInt32(start), end: UInt32(end), block: payload.block, kind: .shared)
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
        let base =
            segment.kind == .shared
            ? SharedBytes(block: segment.block!).bytes.baseAddress!
            : UnsafeRawPointer(segment.block!)
        return UnsafeRawBufferPointer(
            start: base + Int(segment.start), count: Int(segment.end - segment.start))
    }

    /// Drops `byteCount` bytes from the front: the socket has taken them.
    package mutating func consume(_ byteCount: Int, from queue: inout OutboundQueue) {
        precondition(byteCount <= queue.byteCount)
        queue.byteCount -= byteCount
        var left = byteCount
        while left > 0 {
            let index = Int(queue.head - 1)
            let available = Int(segments[index].end - segments[index].start)
            if left < available {
                segments[index].start += UInt32(left)
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
