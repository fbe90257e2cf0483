// DeliveryLedger: whether each broadcast came to each connection exactly once, and in order.
//
//   expected = 7:   7 ─▶ delivered        9 ─▶ delivered, 7 and 8 are missing for now
//                   5 ─▶ duplicate        7, once missing ─▶ delivered, reordered
//
// A connection costs one number; only gaps, which should not be, cost a table entry.
//
// Thread: one loop.  Allocates: per missing message.

struct DeliveryLedger {
    enum Verdict: Equatable { case delivered, reordered, duplicate }

    private struct Missing: Hashable {
        let client: Int32
        let sequence: UInt32
    }

    private var missing: Set<Missing> = []

    /// Messages skipped and not seen since.
    var missingCount: Int { missing.count }

    /// - Parameter expected: the next sequence of this connection; moved on.
    @inline(__always)
    mutating func take(_ sequence: UInt32, of client: Int32, expected: inout UInt32) -> Verdict {
        if sequence == expected {
            expected = sequence &+ 1
            return .delivered
        }
        return takeOutOfOrder(sequence, client, &expected)
    }

    private mutating func takeOutOfOrder(
        _ sequence: UInt32, _ client: Int32, _ expected: inout UInt32
    ) -> Verdict {
        if sequence > expected {
            for skipped in expected..<sequence {
                missing.insert(Missing(client: client, sequence: skipped))
            }
            expected = sequence &+ 1
            return .delivered
        }
        return missing.remove(Missing(client: client, sequence: sequence)) == nil
            ? .duplicate : .reordered
    }

    /// Messages that never came, when `publishedCount` were sent to each of these connections.
    func lostCount(publishedCount: Int, expected: some Sequence<UInt32>) -> Int {
        expected.reduce(missingCount) { $0 + max(0, publishedCount - Int($1)) }
    }
}
