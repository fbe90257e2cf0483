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
}
