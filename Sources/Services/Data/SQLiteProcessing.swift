// SQLiteProcessing: completing orders, and the outbox.
//
//   order.accepted ──▶ order found        ──▶ COMPLETED ─┐
//                      completed before   ──▶ (as it is) ┼──▶ order.processed in the outbox, same commit
//                      not there, known products ──▶ inserted COMPLETED ─┘
//                      not there, unknown products ──▶ nothing: poison
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

extension SQLiteOrderStore {
    public func beginProcessing(_ correlations: [CorrelationID]) throws(StoreError) {
        // Not synced: if a loss of power takes it, the message is still in the queue.
        try database.write(.ordered) { (connection) throws(StoreError) in
            for correlation in correlations {
                try connection.run(
                    """
                    UPDATE "Order" SET Status = 'PROCESSING'
                    WHERE CorrelationId IN (?1, upper(?1)) AND Status = 'ACCEPTED'
                    """,
                    .text(correlation.description))
            }
        }
    }

    public func complete(
        _ events: [OrderAccepted], at time: WallTime
    ) throws(StoreError) -> [ProcessOutcome] {
        // Synced: a user may be told within a millisecond, and must not be told what is then lost.
        try database.write(.synced) { (connection) throws(StoreError) in
            var outcomes: [ProcessOutcome] = []
            for event in events {
                let outcome = try complete(event, at: time, on: connection)
                outcomes.append(outcome)
                guard let orderID = outcome.orderID else { continue }
                let processed = OrderProcessed(correlation: event.correlation, orderID: orderID)
                try connection.insertOutboxRow(
                    queue: settings.queues.processed, correlation: event.correlation,
                    body: processed.encoded(), traceparent: event.traceparent, at: time)
            }
            return outcomes
        }
    }

    private func complete(
        _ event: OrderAccepted, at time: WallTime, on connection: SQLiteConnection
    ) throws(StoreError) -> ProcessOutcome {
        // Soft-deleted rows too: their correlation id is taken, and their event must end.
        let existing = try connection.first(
            "SELECT Id, Status FROM \"Order\" WHERE CorrelationId IN (?1, upper(?1))",
            .text(event.correlation.description)
        ) { (id: $0.integer(0), status: $0.status(1)) }
        if let existing {
            if existing.status == .completed { return .repeated(orderID: existing.id) }
            try connection.run(
                """
                UPDATE "Order" SET Status = 'COMPLETED', CompletedAt = ?1, UpdatedAt = ?1
                WHERE Id = ?2
                """,
                .integer(time.microseconds), .integer(existing.id))
            return .completed(orderID: existing.id)
        }
        return try create(event, at: time, on: connection)
    }

    /// The order of a producer other than our intake.
    private func create(
        _ event: OrderAccepted, at time: WallTime, on connection: SQLiteConnection
    ) throws(StoreError) -> ProcessOutcome {
        let products = try connection.products(of: event.lines)
        let missing = zip(event.lines, products).filter { $0.1 == nil }.map(\.0.productID)
        if !missing.isEmpty { return .unknownProducts(missing.distinct) }
        let known = try connection.customerID(of: event.user)
        let customerID =
            if let known { known } else { try connection.insertCustomer(event.user, at: time) }
        let order = try connection.insertOrder(
            event.correlation, of: customerID, lines: event.lines,
            products: products.compactMap { $0 }, status: .completed, at: time)
        return .completed(orderID: order.id)
    }

    // MARK: Outbox

    public func outbox(limit: Int) throws(StoreError) -> [OutboxRow] {
        let rows = try database.read { (connection) throws(StoreError) in
            try connection.rows(
                """
                SELECT Id, Queue, CorrelationId, Body, Traceparent FROM Outbox
                ORDER BY Id LIMIT ?
                """,
                .integer(Int64(limit))
            ) { row in
                guard let correlation = CorrelationID(parsing: row.text(2)) else {
                    preconditionFailure("only insertOutboxRow writes this column")
                }
                return OutboxRow(
                    id: row.integer(0), queue: row.text(1), correlation: correlation,
                    body: row.blob(3), traceparent: row.textOrNil(4))
            }
        }
        // What leaves the process must not be taken back by a loss of power.
        if !rows.isEmpty { try database.waitUntilReadIsSafe() }
        return rows
    }

    public func markPublished(_ rows: [Int64]) throws(StoreError) {
        // Not synced: a row that comes back is published again, and consumers expect repeats.
        try database.write(.ordered) { (connection) throws(StoreError) in
            for row in rows {
                try connection.run("DELETE FROM Outbox WHERE Id = ?", .integer(row))
            }
        }
    }

    public func outboxDepth() throws(StoreError) -> Int {
        try database.read { (connection) throws(StoreError) in
            Int(try connection.integer("SELECT count(*) FROM Outbox"))
        }
    }
}

extension ProcessOutcome {
    /// Nil where no order exists.
    public var orderID: Int64? {
        switch self {
        case .completed(let id), .repeated(let id): id
        case .unknownProducts: nil
        }
    }
}
