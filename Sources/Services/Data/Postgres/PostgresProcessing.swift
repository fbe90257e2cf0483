// PostgresProcessing: completing orders.
//
//   order.accepted ──▶ order found        ──▶ COMPLETED ─┐
//                      completed before   ──▶ (as it is) ┼──▶ order.processed in the outbox, same commit
//                      not there, known products ──▶ inserted COMPLETED ─┘
//                      not there, unknown products ──▶ nothing: poison
//
// Rows are locked in order of their ids, so two consumers with the same orders wait for each other
// once and never in a circle. Two that both find an order missing meet at its unique index: the loser
// starts again and finds it.
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

extension PostgresOrderStore {
    public func beginProcessing(_ correlations: [CorrelationID]) throws(StoreError) {
        // Relaxed: if a crash of the server takes it, the message is still in the queue.
        _ = try run(
            .relaxed,
            [
                PostgresStatement(
                    """
                    WITH due AS MATERIALIZED (
                        SELECT "Id" FROM "Order"
                        WHERE "CorrelationId" = ANY($1) AND "Status" = 'ACCEPTED'
                        ORDER BY "Id" FOR NO KEY UPDATE)
                    UPDATE "Order" o SET "Status" = 'PROCESSING', "UpdatedAt" = clock_timestamp()
                    FROM due WHERE o."Id" = due."Id"
                    """,
                    .texts(correlations.flatMap(\.spellings)))
            ])
    }

    public func complete(
        _ events: [OrderAccepted], at time: WallTime
    ) throws(StoreError) -> [ProcessOutcome] {
        if events.isEmpty { return [] }
        return try transaction { (connection) throws(PostgresError) in
            var known = try lockOrders(of: events, on: connection)
            let missing = events.filter { known[$0.correlation] == nil }
            let products =
                missing.isEmpty
                ? [:] : try self.products(of: missing, on: connection)
            var completed: [Int64] = []
            var new: [NewOrder] = []
            var refused: [CorrelationID: [String]] = [:]
            for event in missing where known[event.correlation] == nil {
                switch create(event, products, at: time) {
                case .order(let order):
                    new.append(order)
                    known[event.correlation] = Known(id: nil, status: .accepted)
                case .missing(let ids): refused[event.correlation] = ids
                }
            }
            for order in known.values where order.status != .completed {
                if let id = order.id { completed.append(id) }
            }
            return try write(
                events, completed: completed, new: new, known: &known, refused: refused, at: time,
                on: connection)
        }
    }

    // MARK: Reading

    private struct Known {
        /// Nil until it is inserted.
        var id: Int64?
        var status: OrderStatus
    }

    /// Soft-deleted rows too: their correlation id is taken, and their event must end.
    private func lockOrders(
        of events: [OrderAccepted], on connection: PostgresConnection
    ) throws(PostgresError) -> [CorrelationID: Known] {
        let rows = try connection.run(
            Access.durable.begin + [
                PostgresStatement(
                    """
                    SELECT "Id", "CorrelationId", "Status" FROM "Order"
                    WHERE "CorrelationId" = ANY($1) ORDER BY "Id" FOR NO KEY UPDATE
                    """,
                    .texts(events.flatMap(\.correlation.spellings)))
            ])[1]
        var known: [CorrelationID: Known] = [:]
        for index in 0..<rows.count {
            let row = rows[index]
            guard let correlation = CorrelationID(parsing: row.text(1)) else { continue }
            known[correlation] = Known(id: row.integer(0), status: row.status(2))
        }
        return known
    }

    private func products(
        of events: [OrderAccepted], on connection: PostgresConnection
    ) throws(PostgresError) -> [String: PricedProduct] {
        PricedProduct.byExternalID(
            try connection.run([.products(of: events.flatMap(\.lines))])[0])
    }

    // MARK: Writing

    private enum Creation {
        case order(NewOrder)
        case missing([String])
    }

    /// The order of a producer other than our intake.
    private func create(
        _ event: OrderAccepted, _ known: [String: PricedProduct], at time: WallTime
    ) -> Creation {
        let products = event.lines.map { known[$0.productID] }
        let missing = zip(event.lines, products).filter { $0.1 == nil }.map(\.0.productID)
        if !missing.isEmpty { return .missing(missing.distinct) }
        return .order(
            NewOrder(
                correlation: event.correlation, user: event.user, lines: event.lines,
                products: products.compactMap { $0 }, at: time))
    }

    private func write(
        _ events: [OrderAccepted], completed: [Int64], new: [NewOrder],
        known: inout [CorrelationID: Known], refused: [CorrelationID: [String]], at time: WallTime,
        on connection: PostgresConnection
    ) throws(PostgresError) -> [ProcessOutcome] {
        var statements: [PostgresStatement] = []
        if !completed.isEmpty {
            statements.append(
                PostgresStatement(
                    """
                    UPDATE "Order" SET "Status" = 'COMPLETED', "CompletedAt" = $1, "UpdatedAt" = $1
                    WHERE "Id" = ANY($2)
                    """,
                    .time(time), .integers(completed.sorted())))
        }
        if !new.isEmpty {
            // Their ids are part of the events, so these statements go ahead of the outbox rows.
            let first = statements.count
            let results = try connection.run(
                statements + NewOrder.inserts(of: new, status: .completed))
            for order in NewOrder.orders(new, ids: results[first + 1], status: .completed) {
                guard let correlation = CorrelationID(parsing: order.correlationID) else {
                    continue
                }
                known[correlation]?.id = order.id
            }
            statements = []
        }
        var outcomes: [ProcessOutcome] = []
        var announcements: [PostgresStatement.OutboxEvent] = []
        for event in events {
            guard let order = known[event.correlation], let id = order.id else {
                outcomes.append(.unknownProducts(refused[event.correlation] ?? []))
                continue
            }
            outcomes.append(
                order.status == .completed ? .repeated(orderID: id) : .completed(orderID: id))
            // The same event again in this batch is a repeat.
            known[event.correlation]?.status = .completed
            announcements.append(
                PostgresStatement.OutboxEvent(
                    correlation: event.correlation,
                    body: OrderProcessed(correlation: event.correlation, orderID: id).encoded(),
                    traceparent: event.traceparent, at: time))
        }
        if !announcements.isEmpty {
            statements.append(.outboxInsert(of: announcements, queue: settings.queues.processed))
        }
        if !statements.isEmpty { try connection.run(statements) }
        return outcomes
    }
}
