// EmbeddedBus: durable queues in the order database, for a system of one process.
//
//   publish ──▶ row in QueueMessage ──▶ wake ──▶ receive: claim in memory ──▶ ack: row deleted
//                                                   ├─▶ retry: count in the row, delay in memory
//                                                   └─▶ dead letter: row moved to <queue>.dlq
//
// Claims and delays live in memory only: receiving writes nothing, a clock that is set back delays
// nothing, and the end of the process gives every claim back, as a broker does with a lost
// connection. DatabaseLock makes sure that nobody else claims from the same file.
//
// No commit here waits for the disk. All stand in the log of the database that the outbox is in:
// whatever a loss of power takes, it takes the end of that log, so a published message can only be
// lost together with the mark that it was published.
//
// Thread: any worker thread; calls block.  Allocates: the deliveries.

import Loop
import Synchronization

public final class EmbeddedBus: MessageBus {
    public struct Settings: Sendable {
        /// A claimed message that is not settled within this time is given out again.
        public var claimTimeout: Duration = .seconds(60)
        /// How long a waiting consumer sleeps before it looks again by itself.
        public var backstop: Duration = .seconds(1)
        public init() {}
    }

    private let database: SQLiteDatabase
    private let settings: Settings
    private let clock: any TimeSource
    private let queues = Mutex<[String: EmbeddedQueue]>([:])

    /// - Parameter database: migrated; the one that the outbox is in.
    public init(
        database: SQLiteDatabase, settings: Settings = Settings(),
        clock: any TimeSource = SystemTime()
    ) {
        precondition(settings.backstop >= .milliseconds(250))
        self.database = database
        self.settings = settings
        self.clock = clock
    }

    public func publish(_ messages: [OutgoingMessage]) throws(BusError) {
        do {
            try database.write(.ordered) { (connection) throws(StoreError) in
                for message in messages {
                    try connection.run(
                        "INSERT INTO QueueMessage (Queue, Body, Headers) VALUES (?, ?, ?)",
                        .text(message.queue), .blob(message.body),
                        .text(MessageHeaders.text(of: message.headers)))
                }
                CrashPoint.reach(.relayAfterPublish)
            }
        } catch { throw BusError(reason: error.reason) }
        for name in Set(messages.map(\.queue)) { queue(name).wake() }
    }

    public func consumer(of queue: String) -> any MessageConsumer {
        EmbeddedConsumer(queue: self.queue(queue))
    }

    public func depth(of queue: String) throws(BusError) -> Int {
        do {
            return try database.read { (connection) throws(StoreError) in
                Int(
                    try connection.integer(
                        "SELECT count(*) FROM QueueMessage WHERE Queue = ?", .text(queue)))
            }
        } catch { throw BusError(reason: error.reason) }
    }

    /// Gives all dead letters of a queue another life, with no retries counted.
    ///
    /// - Returns: how many there were.
    public func requeueDeadLetters(of name: String) throws(BusError) -> Int {
        do {
            let count = try database.write(.ordered) { (connection) throws(StoreError) in
                try connection.run(
                    """
                    INSERT INTO QueueMessage (Queue, Body, Headers)
                    SELECT ?, Body, Headers FROM QueueMessage WHERE Queue = ? ORDER BY Id
                    """,
                    .text(name), .text(EmbeddedQueue.deadLetters(of: name)))
                try connection.run(
                    "DELETE FROM QueueMessage WHERE Queue = ?",
                    .text(EmbeddedQueue.deadLetters(of: name)))
                return connection.changedRowCount
            }
            queue(name).wake()
            return count
        } catch { throw BusError(reason: error.reason) }
    }

    private func queue(_ name: String) -> EmbeddedQueue {
        queues.withLock { queues in
            if let queue = queues[name] { return queue }
            let queue = EmbeddedQueue(
                name: name, database: database, settings: settings, clock: clock)
            queues[name] = queue
            return queue
        }
    }
}

/// One thread's view of a queue. What it has claimed and not settled goes back when it goes away.
private final class EmbeddedConsumer: MessageConsumer {
    private let queue: EmbeddedQueue
    private let isWoken = Flag()
    private var unsettled: Set<Int64> = []

    private final class Flag: Sendable {
        let isUp = Atomic<Bool>(false)
    }

    init(queue: EmbeddedQueue) { self.queue = queue }

    deinit { queue.release(unsettled) }

    func receive(max: Int, wait: Duration) throws(BusError) -> [Delivery] {
        do {
            let deliveries = try queue.receive(max: max, wait: wait) { [isWoken] in
                isWoken.isUp.load(ordering: .relaxed)
            }
            unsettled.formUnion(deliveries.map(\.tag))
            return deliveries
        } catch { throw BusError(reason: error.reason) }
    }

    var wake: @Sendable () -> Void {
        { [queue, isWoken] in
            isWoken.isUp.store(true, ordering: .relaxed)
            queue.wake()
        }
    }

    func ack(_ deliveries: [Delivery]) throws(BusError) {
        do { try queue.delete(deliveries) } catch { throw BusError(reason: error.reason) }
        unsettled.subtract(deliveries.map(\.tag))
    }

    func retry(_ delivery: Delivery, after delay: Duration) throws(BusError) {
        do { try queue.retry(delivery, after: delay) } catch {
            throw BusError(reason: error.reason)
        }
        unsettled.remove(delivery.tag)
    }

    func deadLetter(_ delivery: Delivery, reason: String) throws(BusError) {
        do { try queue.deadLetter(delivery, reason: reason) } catch {
            throw BusError(reason: error.reason)
        }
        unsettled.remove(delivery.tag)
    }
}
