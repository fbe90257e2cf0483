// PostgresOutbox: events on their way to the broker, shared by the relays of several processes.
//
//   free ──▶ leased by one relay, for 10 s ──▶ published, deleted
//    ▲            │  ▲ the same relay gets its own rows again at once
//    └────────────┘  the lease ends: the relay is gone, or stopped, and another one takes over
//
// A relay that wakes up after its lease may publish what another one has published: consumers expect
// repeats. Times are the server's own, so the processes' clocks need not agree.
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

extension PostgresOrderStore {
    public func outbox(limit: Int) throws(StoreError) -> [OutboxRow] {
        // Relaxed: a lease that a crash of the server takes is a lease that ended early.
        let access = Access.relaxed
        let rows = try run(
            access,
            [
                PostgresStatement(
                    """
                    WITH due AS MATERIALIZED (
                        SELECT "Id" FROM "Outbox"
                        WHERE "LeasedBy" IS NULL OR "LeasedBy" = $1
                            OR "LeasedUntil" < clock_timestamp()
                        ORDER BY "Id" LIMIT $2 FOR UPDATE SKIP LOCKED)
                    UPDATE "Outbox" o
                    SET "LeasedBy" = $1,
                        "LeasedUntil" = clock_timestamp() + $3 * interval '1 millisecond'
                    FROM due WHERE o."Id" = due."Id"
                    RETURNING o."Id", o."Queue", o."CorrelationId", o."Body", o."Traceparent"
                    """,
                    .text(relayID), .integer(Int64(limit)),
                    .integer(settings.outboxLease.milliseconds))
            ])[0]
        return rows.map { row in
            guard let correlation = CorrelationID(parsing: row.text(2)) else {
                preconditionFailure("only outboxInsert writes this column")
            }
            return OutboxRow(
                id: row.integer(0), queue: row.text(1), correlation: correlation,
                body: row.bytes(3), traceparent: row.textOrNil(4))
        }.sorted { $0.id < $1.id }
    }

    public func markPublished(_ rows: [Int64]) throws(StoreError) {
        // Relaxed: a row that comes back is published again.
        _ = try run(
            .relaxed,
            [
                PostgresStatement(
                    "DELETE FROM \"Outbox\" WHERE \"Id\" = ANY($1)", .integers(rows.sorted()))
            ])
    }

    public func outboxDepth() throws(StoreError) -> Int {
        try call { (connection) throws(PostgresError) in
            Int(try connection.run("SELECT count(*) FROM \"Outbox\"")[0].integer(0))
        }
    }
}

extension PostgresStatement {
    struct OutboxEvent {
        let correlation: CorrelationID
        let body: [UInt8]
        let traceparent: String?
        let at: WallTime
    }

    /// Ids in the order of the events.
    static func outboxInsert(of events: [OutboxEvent], queue: String) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO "Outbox" ("Queue", "CorrelationId", "Body", "Traceparent", "CreatedAt")
            SELECT $1, n."CorrelationId", n."Body", n."Traceparent", n."At"
            FROM unnest($2, $3, $4, $5) WITH ORDINALITY
                AS n("CorrelationId", "Body", "Traceparent", "At", "Number")
            ORDER BY n."Number"
            """,
            .text(queue), .texts(events.map(\.correlation.description)),
            .byteArrays(events.map(\.body)), .texts(events.map(\.traceparent)),
            .times(events.map(\.at)))
    }
}
