// PostgresIntake: accepting orders, many in one commit and three round trips, and deleting them.
//
//   1  BEGIN, what is known of the requests' keys, correlations and products
//        ──▶ a verdict per request: known key, known correlation, product missing, or new
//   2  customers, orders, items, keys and outbox rows of all new ones, a statement per table
//   3  COMMIT
//
// Every request is judged before the first write, so a refusal has nothing to undo. Two processes
// that race for the same key or correlation meet at its unique index: one waits there for the other's
// commit, loses, and starts again at 1, where it finds the winner's order.
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

extension PostgresOrderStore {
    public func accept(_ requests: [AcceptRequest]) throws(StoreError) -> [AcceptOutcome] {
        if requests.isEmpty { return [] }
        return try transaction { (connection) throws(PostgresError) in
            let facts = try facts(of: requests, on: connection)
            var verdicts: [Verdict] = []
            var new: [NewOrder] = []
            var sources: [AcceptRequest] = []
            var batch = BatchNames()
            for request in requests {
                let verdict = judge(request, facts, &batch, newIndex: new.count)
                verdicts.append(verdict)
                guard case .new(let products) = verdict else { continue }
                sources.append(request)
                new.append(
                    NewOrder(
                        correlation: request.correlation, user: request.user,
                        lines: request.lines, products: products, at: request.acceptedAt))
            }
            let orders = try write(new, for: sources, on: connection)
            CrashPoint.reach(.acceptBeforeCommit)
            return outcomes(verdicts, orders)
        }
    }

    // MARK: Judging

    private enum Verdict {
        case known(AcceptOutcome)
        case new([PricedProduct])
        /// The same key, or the same correlation, as the new order with this number.
        case repeated(Int)
        case same(Int)
    }

    private struct KeyName: Hashable {
        let user: String
        let key: String
    }

    private struct Facts {
        var keys: [KeyName: (digest: [UInt8], order: Order)] = [:]
        var orders: [CorrelationID: Order] = [:]
        var products: [String: PricedProduct] = [:]
    }

    /// What earlier requests of the same batch have taken; the number of their order.
    private struct BatchNames {
        var keys: [KeyName: (digest: [UInt8], number: Int)] = [:]
        var correlations: [CorrelationID: Int] = [:]
    }

    private func judge(
        _ request: AcceptRequest, _ facts: Facts, _ batch: inout BatchNames, newIndex: Int
    ) -> Verdict {
        let name = request.idempotency.map { KeyName(user: request.user, key: $0.key) }
        if let name, let digest = request.idempotency?.bodyDigest {
            if let known = facts.keys[name] {
                return .known(known.digest == digest ? .repeated(known.order) : .keyReused)
            }
            if let known = batch.keys[name] {
                return known.digest == digest ? .repeated(known.number) : .known(.keyReused)
            }
        }
        if let order = facts.orders[request.correlation] { return .known(.accepted(order)) }
        if let number = batch.correlations[request.correlation] { return .same(number) }
        let products = request.lines.map { facts.products[$0.productID] }
        let missing = zip(request.lines, products).filter { $0.1 == nil }.map(\.0.productID)
        if !missing.isEmpty { return .known(.unknownProducts(missing.distinct)) }
        batch.correlations[request.correlation] = newIndex
        if let name, let digest = request.idempotency?.bodyDigest {
            batch.keys[name] = (digest, newIndex)
        }
        return .new(products.compactMap { $0 })
    }

    private func outcomes(_ verdicts: [Verdict], _ orders: [Order]) -> [AcceptOutcome] {
        var new = orders.makeIterator()
        return verdicts.map { verdict in
            switch verdict {
            case .known(let outcome): return outcome
            case .repeated(let number): return .repeated(orders[number])
            case .same(let number): return .accepted(orders[number])
            case .new:
                guard let order = new.next() else { preconditionFailure("one order per verdict") }
                return .accepted(order)
            }
        }
    }

    // MARK: Reading

    private func facts(
        of requests: [AcceptRequest], on connection: PostgresConnection
    ) throws(PostgresError) -> Facts {
        let results = try connection.run(
            Access.durable.begin + keyStatements(for: requests) + [
                PostgresStatement(
                    """
                    SELECT "Id", "CorrelationId", "CreatedAt", "Status" FROM "Order"
                    WHERE "CorrelationId" = ANY($1)
                    """,
                    .texts(requests.flatMap(\.correlation.spellings))),
                .products(of: requests.flatMap(\.lines)),
            ])
        let known = results[results.count - 2]
        let keyed = results.count > 3 ? results[2] : nil
        var facts = Facts()
        facts.products = PricedProduct.byExternalID(results[results.count - 1])
        if known.count == 0, keyed?.count ?? 0 == 0 { return facts }

        // Repeats are rare; they may cost a round trip of their own.
        let keyedOrders = try keyed.map { rows throws(PostgresError) in
            try orders(rows.map { $0.integer(3) }, on: connection)
        }
        for order in try orders(known.map { $0.integer(0) }, on: connection).values {
            guard let correlation = CorrelationID(parsing: order.correlationID) else { continue }
            facts.orders[correlation] = order
        }
        for row in keyed?.map({ $0 }) ?? [] {
            guard let order = keyedOrders?[row.integer(3)] else {
                preconditionFailure("the key's foreign key has no order")
            }
            facts.keys[KeyName(user: row.text(0), key: row.text(1))] = (row.bytes(2), order)
        }
        return facts
    }

    /// Drops keys past their retention, a few with each batch that brings new ones, so that the table
    /// needs no sweeper; then looks for the keys of the batch. None if the batch has no keys.
    private func keyStatements(for requests: [AcceptRequest]) -> [PostgresStatement] {
        let keyed = requests.filter { $0.idempotency != nil }
        guard let newest = keyed.map(\.acceptedAt).max() else { return [] }
        return [
            // What another process is dropping already is not waited for.
            PostgresStatement(
                """
                DELETE FROM "IdempotencyKey" WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM "IdempotencyKey" WHERE "CreatedAt" < $1
                    ORDER BY "CreatedAt" LIMIT $2 FOR UPDATE SKIP LOCKED))
                """,
                .time(newest.advanced(by: .zero - settings.idempotencyRetention)),
                .integer(Int64(2 * requests.count))),
            PostgresStatement(
                """
                SELECT c."ExternalCustomerId", k."Key", k."BodyDigest", k."OrderId"
                FROM (SELECT DISTINCT * FROM unnest($1, $2) AS given("User", "Key")) g
                JOIN "Customer" c ON c."ExternalCustomerId" = g."User"
                JOIN "IdempotencyKey" k ON k."CustomerId" = c."Id" AND k."Key" = g."Key"
                """,
                .texts(keyed.map(\.user)), .texts(keyed.map { $0.idempotency?.key })),
        ]
    }

    /// Deleted since or not: the answer is the one that was given then.
    private func orders(
        _ ids: [Int64], on connection: PostgresConnection
    ) throws(PostgresError) -> [Int64: Order] {
        let rows = try connection.run([
            PostgresStatement(
                """
                SELECT "Id", "CorrelationId", "CreatedAt", "Status" FROM "Order"
                WHERE "Id" = ANY($1)
                """,
                .integers(ids)),
            .items(ofOrders: ids),
        ])
        let orders = Order.list(rows[0], items: rows[1])
        return Dictionary(orders.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: Writing

    /// - Parameter sources: the request of each order.
    private func write(
        _ new: [NewOrder], for sources: [AcceptRequest], on connection: PostgresConnection
    ) throws(PostgresError) -> [Order] {
        if new.isEmpty { return [] }
        let events = sources.map { request in
            PostgresStatement.OutboxEvent(
                correlation: request.correlation,
                body: OrderAccepted(
                    correlation: request.correlation, user: request.user, lines: request.lines
                ).encoded(),
                traceparent: request.traceparent, at: request.acceptedAt)
        }
        var statements = NewOrder.inserts(of: new, status: .accepted)
        statements.append(.outboxInsert(of: events, queue: settings.queues.accepted))
        let keyed = sources.filter { $0.idempotency != nil }
        if !keyed.isEmpty {
            statements.append(
                PostgresStatement(
                    """
                    INSERT INTO "IdempotencyKey"
                        ("CustomerId", "Key", "BodyDigest", "OrderId", "CreatedAt")
                    SELECT o."CustomerId", n."Key", n."Digest", o."Id", n."At"
                    FROM unnest($1, $2, $3, $4) AS n("CorrelationId", "Key", "Digest", "At")
                    JOIN "Order" o ON o."CorrelationId" = n."CorrelationId"
                    ORDER BY 1, 2
                    """,
                    .texts(keyed.map(\.correlation.description)),
                    .texts(keyed.map { $0.idempotency?.key }),
                    .byteArrays(keyed.map { $0.idempotency?.bodyDigest ?? [] }),
                    .times(keyed.map(\.acceptedAt))))
        }
        let results = try connection.run(statements)
        return NewOrder.orders(new, ids: results[1], status: .accepted)
    }

    // MARK: Delete

    public func deleteOrder(id: Int64, by user: String) throws(StoreError) -> DeleteOutcome {
        try transaction { (connection) throws(PostgresError) -> DeleteOutcome in
            let rows = try connection.run(
                Access.durable.begin + [
                    PostgresStatement(
                        "SELECT \"Id\" FROM \"Customer\" WHERE \"ExternalCustomerId\" = $1",
                        .text(user)),
                    PostgresStatement(
                        """
                        SELECT "CustomerId" FROM "Order" WHERE "Id" = $1 AND NOT "IsSoftDeleted"
                        FOR NO KEY UPDATE
                        """,
                        .integer(id)),
                ])
            guard let customer = rows[1].first, let owner = rows[2].first else { return .notFound }
            if owner.integer(0) != customer.integer(0) { return .forbidden }
            try connection.run(
                "UPDATE \"Order\" SET \"IsSoftDeleted\" = true WHERE \"Id\" = $1", .integer(id))
            return .deleted
        }
    }
}
