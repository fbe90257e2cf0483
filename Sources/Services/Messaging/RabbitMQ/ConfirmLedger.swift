// ConfirmLedger: which published messages the broker has not confirmed yet.
//
//      confirmed      │ first tag … unconfirmed … last tag │  published next
//   ──────────────────┴────────────────────────────────────┴──────────────────▶ tags of one channel
//
// After a loss of the connection tags begin anew at 1, and what was unconfirmed is published again,
// in the same order.
//
// Thread: one loop.  Allocates: when it grows.  Source: RabbitMQ "Publisher confirms".

import Loop

/// One call of `publish` that waits.
struct PublishRequest: Sendable {
    let messages: [AMQPMessage]
    let reply = RabbitReply<Void>()
    #if CRASH_POINTS
        /// Given when the kernel has the bytes.
        let written = RabbitReply<Void>()
    #endif
}

/// Its progress on the loop.
final class PublishBatch {
    let request: PublishRequest
    private var unconfirmedCount: Int
    private var failure: String?

    init(_ request: PublishRequest) {
        self.request = request
        unconfirmedCount = request.messages.count
    }

    func confirmedOne() {
        unconfirmedCount -= 1
        guard unconfirmedCount == 0 else { return }
        if let failure { request.reply.fail(failure) } else { request.reply.give(.success(())) }
    }

    /// The whole call fails, once the rest is confirmed too.
    func failed(_ reason: String) { if failure == nil { failure = reason } }
}

struct ConfirmLedger {
    /// One message of a batch.
    struct Entry {
        let batch: PublishBatch
        let index: Int
        var message: AMQPMessage { batch.request.messages[index] }
    }

    /// Nil: confirmed out of order. The entry of `firstTag` stands at `start`.
    private var entries: [Entry?] = []
    private var start = 0
    private var firstTag: UInt64 = 1

    /// Entries in front of `start` that are kept before they are given back.
    private static let slackCountMax = 1024

    /// To be called in the order of publishing.
    mutating func add(_ entry: Entry) { entries.append(entry) }

    /// - Returns: false if the broker confirms what was never published.
    mutating func confirm(_ tag: UInt64, isMultiple: Bool, failure: String?) -> Bool {
        // RabbitMQ uses 0 with `multiple` for "all so far".
        let tag = tag == 0 && isMultiple ? firstTag + UInt64(entries.count - start) - 1 : tag
        guard tag >= firstTag else { return true }
        guard tag - firstTag < UInt64(entries.count - start) else { return false }
        let last = start + Int(tag - firstTag)
        for position in (isMultiple ? start : last)...last {
            guard let entry = entries[position] else { continue }
            entries[position] = nil
            if let failure { entry.batch.failed(failure) }
            entry.batch.confirmedOne()
        }
        advance()
        return true
    }

    /// A return does not say which message it was. Every unconfirmed one for the same queue counts
    /// as returned: publishing one too often is harmless, forgetting one is not.
    func returned(queue: String, failure: String) {
        for case let entry? in entries[start...] where entry.message.queue == queue {
            entry.batch.failed(failure)
        }
    }

    var unconfirmed: [Entry] { entries[start...].compactMap { $0 } }

    /// The channel is gone.
    mutating func removeAll() { self = ConfirmLedger() }

    private mutating func advance() {
        while start < entries.count, entries[start] == nil {
            start += 1
            firstTag += 1
        }
        if start == entries.count || start >= Self.slackCountMax {
            entries.removeFirst(start)
            start = 0
        }
    }
}
