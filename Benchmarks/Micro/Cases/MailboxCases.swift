// MailboxCases: messages into a loop, with its thread's own part of the work.
//
// Thread: one, which is poster and loop in turn; a sleeping loop's wake-up costs more.
// Allocates: the queue's array whenever it was taken.

import Loop

extension MicroCase {
    static let mailboxCases = [
        postAndDrain("mailbox.post", batchCount: 64),
        // The two system calls of the descriptor that wakes the loop are in each operation.
        postAndDrain("mailbox.post-wake-drain", batchCount: 1),
    ]

    /// As many messages as `batchCount` are posted, then the loop takes them all. An operation gives
    /// its message, 3.
    private static func postAndDrain(_ name: String, batchCount: Int) -> MicroCase {
        MicroCase(name, each: 3) {
            let waker = try Waker()
            let mailbox = Mailbox<UInt64>(waker: waker)
            return { operationCount in
                var sum: UInt64 = 0
                var left = operationCount
                while left > 0 {
                    let count = min(left, batchCount)
                    left -= count
                    for _ in 0..<count { mailbox.post(3) }
                    waker.disarm()
                    for message in mailbox.takeAll() { sum &+= message }
                }
                return sum
            }
        }
    }
}
