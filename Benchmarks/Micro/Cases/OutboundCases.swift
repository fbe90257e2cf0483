// OutboundCases: a message queued behind a socket that is full, gathered, and taken by the socket.
//
// Thread: one.  Allocates: the block of an owned segment; a shared payload nothing.

import Glibc
import Loop

extension MicroCase {
    static let outboundCases = [ownedSegment, sharedSegment]

    private static let payload = [UInt8](repeating: 0x2E, count: 200)

    /// The pool at a place of its own: a closure may not hold what cannot be copied.
    private final class Sending {
        var pool = SegmentPool()
        var queue = OutboundQueue()
        let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 16)

        deinit { vectors.deallocate() }

        /// What a loop does when the socket takes bytes again.
        /// - Returns: how many bytes were queued.
        func gatherAndConsume() -> UInt64 {
            let gathered = pool.gather(queue, into: vectors, byteCountMax: 1 << 20)
            pool.consume(gathered.byteCount, from: &queue)
            return UInt64(gathered.byteCount)
        }
    }

    /// An operation gives the message's bytes.
    private static let ownedSegment = MicroCase(
        "outbound.owned.200", byteCount: payload.count, each: payload.count
    ) {
        let sending = Sending()
        return { operationCount in
            var sum: UInt64 = 0
            payload.withUnsafeBytes { bytes in
                for _ in 0..<operationCount {
                    sending.pool.append(bytes, to: &sending.queue)
                    sum &+= sending.gatherAndConsume()
                }
            }
            return sum &+ UInt64(sending.queue.byteCount)
        }
    }

    /// A broadcast for a slow receiver. An operation gives the message's bytes.
    private static let sharedSegment = MicroCase(
        "outbound.shared.200", byteCount: payload.count, each: payload.count
    ) {
        let sending = Sending()
        return { operationCount in
            let shared = SharedBytes(copying: payload)
            defer { shared.release() }
            var sum: UInt64 = 0
            for _ in 0..<operationCount {
                sending.pool.append(shared, to: &sending.queue)
                sum &+= sending.gatherAndConsume()
            }
            return sum &+ UInt64(sending.queue.byteCount)
        }
    }
}
