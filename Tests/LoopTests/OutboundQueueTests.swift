import CLinux
import Testing

@testable import Loop

@Suite struct OutboundQueueTests {
    private func contents(
        _ pool: borrowing SegmentPool, _ queue: OutboundQueue, max: Int = .max
    ) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 32) { vectors in
            let batch = pool.gather(queue, into: vectors, byteCountMax: max)
            var bytes: [UInt8] = []
            for vector in vectors.prefix(batch.vectorCount) {
                bytes += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
            }
            return bytes
        }
    }

    @Test(arguments: 0...11)
    func `any partial write leaves the rest in order`(sent: Int) {
        var pool = SegmentPool(capacity: 1)
        var queue = OutboundQueue()
        let shared = SharedBytes(copying: Array("cdefgh".utf8))
        Array("ab".utf8).withUnsafeBytes { pool.append($0, to: &queue) }
        pool.append(shared, to: &queue)
        Array("ijk".utf8).withUnsafeBytes { pool.append($0, to: &queue) }
        shared.release()

        pool.consume(sent, from: &queue)
        let rest = contents(pool, queue)
        pool.removeAll(&queue)

        #expect(rest == Array("abcdefghijk".utf8.dropFirst(sent)))
        let live = pool.liveCount
        #expect(live == 0)
        #expect(queue.isEmpty)
    }

    @Test func `gathering stops at the byte limit`() {
        var pool = SegmentPool()
        var queue = OutboundQueue()
        let payload = SharedBytes(copying: [1, 2, 3, 4])
        for _ in 0..<3 { pool.append(payload, to: &queue) }

        let bytes = contents(pool, queue, max: 6)
        pool.removeAll(&queue)
        payload.release()

        #expect(bytes == [1, 2, 3, 4, 1, 2])
    }

    @Test func `a payload lives until the last queue has sent it`() {
        var pool = SegmentPool()
        var queues = [OutboundQueue(), OutboundQueue()]
        let payload = SharedBytes(copying: Array("once".utf8))
        pool.append(payload, to: &queues[0])
        pool.append(payload, to: &queues[1])
        payload.release()

        pool.consume(4, from: &queues[0])
        let second = contents(pool, queues[1])
        pool.consume(4, from: &queues[1])

        #expect(second == Array("once".utf8))
        let live = pool.liveCount
        #expect(live == 0)
    }

    @Test func `segments are recycled and not allocated anew`() {
        var pool = SegmentPool(capacity: 2)
        let payload = SharedBytes(copying: [7])
        for _ in 0..<1000 {
            var queue = OutboundQueue()
            pool.append(payload, to: &queue)
            pool.append(payload, to: &queue)
            pool.consume(2, from: &queue)
        }
        payload.release()

        let live = pool.liveCount
        #expect(live == 0)
    }

    // MARK: Overflow

    private enum Message {
        /// In two parts, as a frame that is written for one connection.
        case owned(String, String)
        case shared(String, Expendability)

        var text: String {
            switch self {
            case .owned(let head, let body): head + body
            case .shared(let text, _): text
            }
        }

        var isExpendable: Bool {
            if case .shared(_, let expendability) = self { expendability != .kept } else { false }
        }
    }

    private static let long = String(repeating: "d", count: 600)
    private static let messages: [Message] = [
        .shared("aaa", .droppable), .owned("b", "bb"), .shared("ccc", .about("c")),
        .owned("d", long), .shared("ee", .droppable), .shared("ff", .kept),
        .shared("ggg", .about("c")), .owned("h", ""),
    ]
    private static let byteCount = messages.reduce(0) { $0 + $1.text.utf8.count }

    private func fill(_ pool: inout SegmentPool, _ queue: inout OutboundQueue) {
        for message in Self.messages {
            switch message {
            case .owned(let head, let body):
                for part in [head, body] {
                    Array(part.utf8).withUnsafeBytes { pool.append($0, to: &queue) }
                }
            case .shared(let text, let expendability):
                let shared = SharedBytes(copying: Array(text.utf8), expendability)
                pool.append(shared, to: &queue)
                shared.release()
            }
        }
    }

    @Test(arguments: 0...byteCount)
    func `dropping leaves whole what has begun and what must be kept`(sent: Int) {
        var pool = SegmentPool(capacity: 2)
        var queue = OutboundQueue()
        fill(&pool, &queue)
        pool.consume(sent, from: &queue)
        var expected: [UInt8] = []
        var expectedCount = 0
        var begin = 0
        for message in Self.messages {
            let bytes = Array(message.text.utf8)
            let alreadySent = min(bytes.count, max(0, sent - begin))
            let isDropped = message.isExpendable && sent <= begin
            expectedCount += isDropped ? 1 : 0
            if !isDropped { expected += bytes.dropFirst(alreadySent) }
            begin += bytes.count
        }

        let count = pool.drop(from: &queue, downTo: 0)

        #expect(count == expectedCount)
        #expect(contents(pool, queue) == expected)
        #expect(queue.byteCount == expected.count)
        // The queue goes on.
        Array("!".utf8).withUnsafeBytes { pool.append($0, to: &queue) }
        #expect(contents(pool, queue) == expected + Array("!".utf8))
        pool.removeAll(&queue)
        let held = pool.heldByteCount
        #expect(held == 0)
    }

    @Test(arguments: 0...byteCount)
    func `a control frame goes in where a frame begins, and the latest one takes its place`(
        sent: Int
    ) {
        var pool = SegmentPool(capacity: 2)
        var queue = OutboundQueue()
        fill(&pool, &queue)
        let all = contents(pool, queue)
        var boundaries: Set = [0]
        for message in Self.messages {
            boundaries.insert(boundaries.max()! + message.text.utf8.count)
        }
        pool.consume(sent, from: &queue)

        Array("!?".utf8).withUnsafeBytes { pool.insert(control: $0, into: &queue) }
        Array("!!".utf8).withUnsafeBytes { pool.insert(control: $0, into: &queue) }

        let wire = all.prefix(sent) + contents(pool, queue)
        let place = wire.firstIndex(of: UInt8(ascii: "!"))!
        #expect(boundaries.contains(place))
        #expect(place >= sent)
        #expect(wire.prefix(place) + Array("!!".utf8) + all.dropFirst(place) == wire)
        #expect(queue.byteCount == all.count - sent + 2)
        pool.removeAll(&queue)
        let held = pool.heldByteCount
        #expect(held == 0)
    }

    @Test func `a control frame passes pushes that wait, and a begun one stays whole`() {
        var pool = SegmentPool()
        var queue = OutboundQueue()
        for text in ["one", "two", "three"] {
            let shared = SharedBytes(copying: Array(text.utf8), .droppable)
            pool.append(shared, to: &queue)
            shared.release()
        }
        pool.consume(1, from: &queue)
        Array("!?".utf8).withUnsafeBytes { pool.insert(control: $0, into: &queue) }
        // What is behind it does not grow into its block.
        Array("end".utf8).withUnsafeBytes { pool.append($0, to: &queue) }

        #expect(contents(pool, queue) == Array("ne!?twothreeend".utf8))
        // Sent in part, it is not replaced.
        pool.consume(3, from: &queue)
        Array("**".utf8).withUnsafeBytes { pool.insert(control: $0, into: &queue) }
        #expect(contents(pool, queue) == Array("?**twothreeend".utf8))
        pool.removeAll(&queue)
    }

    @Test func `the oldest go first, and only until there is room`() {
        var pool = SegmentPool()
        var queue = OutboundQueue()
        fill(&pool, &queue)

        let count = pool.drop(from: &queue, downTo: Self.byteCount - 4)

        #expect(count == 2)
        #expect(queue.byteCount == Self.byteCount - 6)
        #expect(contents(pool, queue).starts(with: Array("bbbd".utf8)))
        pool.removeAll(&queue)
    }

    @Test func `what is about the same subject goes, and nothing else`() {
        var pool = SegmentPool()
        var queue = OutboundQueue()
        fill(&pool, &queue)

        let none = pool.drop(about: .about("x"), from: &queue, downTo: 0)
        let count = pool.drop(about: .about("c"), from: &queue, downTo: 0)

        #expect(none == 0)
        #expect(count == 2)
        #expect(contents(pool, queue) == Array("aaabbbd\(Self.long)eeffh".utf8))
        pool.removeAll(&queue)
    }

    @Test func `a payload's memory counts once, while a queue holds it`() {
        var pool = SegmentPool()
        var queues = [OutboundQueue(), OutboundQueue()]
        let payload = SharedBytes(copying: [UInt8](repeating: 1, count: 10_000))
        pool.append(payload, to: &queues[0])
        let one = pool.heldByteCount
        pool.append(payload, to: &queues[1])
        let two = pool.heldByteCount
        payload.release()
        pool.removeAll(&queues[0])
        let left = pool.heldByteCount
        pool.removeAll(&queues[1])
        let none = pool.heldByteCount

        #expect(one > 10_000 && one < 10_100)
        #expect(two > one && two < 10_200)
        #expect(left == one)
        #expect(none == 0)
    }

    @Test func `what the pool has grown by is given back when nothing is queued`() {
        var pool = SegmentPool(capacity: 4)
        var queue = OutboundQueue()
        let payload = SharedBytes(copying: [7])
        for _ in 0..<1000 { pool.append(payload, to: &queue) }

        pool.shrink()
        let whileQueued = pool.capacity
        pool.removeAll(&queue)
        pool.shrink()
        let afterwards = pool.capacity

        #expect(whileQueued >= 1000)
        #expect(afterwards == 4)
        pool.append(payload, to: &queue)
        #expect(contents(pool, queue) == [7])
        pool.removeAll(&queue)
        payload.release()
    }
}
