// EmbeddedQueue: who has which message of one queue, and which waits for its next try.
//
//        settled    │ held (claimed or delayed)  │  not seen yet
//   ────────────────┴──────────────── cursor ────┴───────────────▶ row id
//
// Row ids only grow and commits are in their order, so everything after the cursor is free and
// everything before it is settled or in `held`. Nothing is scanned twice, and a new process starts
// with the cursor at 0 and nothing held.
//
// Thread: any worker thread; calls block.  Allocates: the deliveries.

import Loop

final class EmbeddedQueue: Sendable {
    private struct Claims: Sendable {
        var cursor: Int64 = 0
        /// When each of these messages may be given out (again): the end of its claim or delay.
        var held: [Int64: MonotonicInstant] = [:]
        /// Grows whenever a message may have become free.
        var wakeCount: UInt64 = 0
    }

    let name: String
    private let database: SQLiteDatabase
    private let settings: EmbeddedBus.Settings
    private let clock: any TimeSource
    private let claims = Monitor(Claims())

    init(
        name: String, database: SQLiteDatabase, settings: EmbeddedBus.Settings,
        clock: any TimeSource
    ) {
        self.name = name
        self.database = database
        self.settings = settings
        self.clock = clock
    }

    static func deadLetters(of queue: String) -> String { queue + ".dlq" }

    func wake() { claims.update { $0.wakeCount += 1 } }

    /// Makes claims of a consumer that has gone free at once.
    func release(_ tags: Set<Int64>) {
        if tags.isEmpty { return }
        let now = clock.monotonicNow
        claims.update { claims in
            for tag in tags where claims.held[tag] != nil { claims.held[tag] = now }
            claims.wakeCount += 1
        }
    }

    /// - Parameter isWoken: asked after every `wake`; ends the wait.
    func receive(
        max: Int, wait: Duration, until isWoken: () -> Bool
    ) throws(StoreError) -> [Delivery] {
        precondition(max > 0)
        let end = SystemTime().monotonicNow.advanced(by: wait)
        while true {
            let seen = claims.withLock { $0.wakeCount }
            let (deliveries, nextDue) = try claim(max: max)
            if !deliveries.isEmpty { return deliveries }
            let left = SystemTime().monotonicNow.duration(to: end)
            if left <= .zero || isWoken() { return [] }
            let sleep = min(left, nextDue ?? left, settings.backstop)
            _ = claims.wait(atMost: sleep) { $0.wakeCount != seen ? () : nil }
        }
    }

    /// Claims what is due, else what is new, oldest first.
    ///
    /// - Returns: the messages, and if there are none the time until the next held one is due.
    private func claim(max: Int) throws(StoreError) -> ([Delivery], Duration?) {
        let now = clock.monotonicNow
        // The lock stays closed over the query: two consumers must not see the same cursor.
        return try claims.withLock { (claims) throws(StoreError) -> ([Delivery], Duration?) in
            let due = claims.held.filter { $0.value <= now }.keys.sorted().prefix(max)
            let cursor = claims.cursor
            let free = try database.read { (connection) throws(StoreError) -> [Delivery] in
                var free: [Delivery] = []
                for id in due { free += try connection.message(id: id).map { [$0] } ?? [] }
                if free.count < max {
                    free += try connection.messages(
                        in: name, after: cursor, limit: max - free.count)
                }
                return free
            }
            // One that was settled after its claim had ended has no row any more.
            for id in due { claims.held[id] = nil }
            for delivery in free {
                claims.held[delivery.tag] = now.advanced(by: settings.claimTimeout)
                claims.cursor = Swift.max(claims.cursor, delivery.tag)
            }
            let nextDue = claims.held.values.min().map { now.duration(to: $0) }
            return (free, free.isEmpty ? nextDue : nil)
        }
    }

    func delete(_ deliveries: [Delivery]) throws(StoreError) {
        try database.write(.ordered) { (connection) throws(StoreError) in
            for delivery in deliveries {
                try connection.run(
                    "DELETE FROM QueueMessage WHERE Id = ?", .integer(delivery.tag))
            }
        }
        claims.withLock { claims in
            for delivery in deliveries { claims.held[delivery.tag] = nil }
        }
    }

    func retry(_ delivery: Delivery, after delay: Duration) throws(StoreError) {
        try database.write(.ordered) { (connection) throws(StoreError) in
            try connection.run(
                "UPDATE QueueMessage SET RetryCount = ? WHERE Id = ?",
                .integer(Int64(delivery.retryCount + 1)), .integer(delivery.tag))
        }
        let due = clock.monotonicNow.advanced(by: delay)
        // Sleepers must learn of a deadline that is nearer than theirs.
        claims.update { claims in
            claims.held[delivery.tag] = due
            claims.wakeCount += 1
        }
    }

    func deadLetter(_ delivery: Delivery, reason: String) throws(StoreError) {
        var headers = delivery.headers
        headers["x-dead-letter-reason"] = reason
        let text = MessageHeaders.text(of: headers)
        try database.write(.ordered) { (connection) throws(StoreError) in
            // A new row and not another queue name: a reader's cursor may be past the old id.
            try connection.run(
                """
                INSERT INTO QueueMessage (Queue, Body, Headers, RetryCount)
                SELECT ?, Body, ?, RetryCount FROM QueueMessage WHERE Id = ?
                """,
                .text(Self.deadLetters(of: name)), .text(text), .integer(delivery.tag))
            try connection.run("DELETE FROM QueueMessage WHERE Id = ?", .integer(delivery.tag))
        }
        claims.withLock { $0.held[delivery.tag] = nil }
    }
}

extension SQLiteConnection {
    fileprivate func message(id: Int64) throws(StoreError) -> Delivery? {
        try first(
            "SELECT Id, Queue, Body, Headers, RetryCount FROM QueueMessage WHERE Id = ?",
            .integer(id), read: Delivery.init(row:))
    }

    fileprivate func messages(
        in queue: String, after cursor: Int64, limit: Int
    ) throws(StoreError) -> [Delivery] {
        try rows(
            """
            SELECT Id, Queue, Body, Headers, RetryCount FROM QueueMessage
            WHERE Queue = ? AND Id > ? ORDER BY Id LIMIT ?
            """,
            .text(queue), .integer(cursor), .integer(Int64(limit)), read: Delivery.init(row:))
    }
}

extension Delivery {
    fileprivate init(row: Row) {
        self.init(
            tag: row.integer(0), queue: row.text(1), body: row.blob(2),
            headers: MessageHeaders.headers(of: row.text(3)), retryCount: Int(row.integer(4)))
    }
}

/// Headers in one text column: `name: value`, a line each, sorted by name.
enum MessageHeaders {
    static func text(of headers: [String: String]) -> String {
        var text = ""
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            if !text.isEmpty { text += "\n" }
            text += name
            text += ": "
            text += oneLine(value)
        }
        return text
    }

    /// No header of ours holds a line break; one from outside must not become two headers.
    private static func oneLine(_ value: String) -> String {
        func isBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
        guard value.utf8.contains(where: isBreak) else { return value }
        return String(decoding: value.utf8.filter { !isBreak($0) }, as: UTF8.self)
    }

    /// By bytes: by characters it would be a third of what an order costs.
    static func headers(of text: String) -> [String: String] {
        var headers: [String: String] = [:]
        for line in text.utf8.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = Substring(line[colon...].dropFirst(2))
            headers[String(Substring(line[..<colon]))] = String(value)
        }
        return headers
    }
}
