// SQLiteIntake: accepting orders, many in one commit, and deleting them.
//
//   request ──▶ key known? ──────▶ repeated / keyReused
//           ──▶ product missing? ▶ unknownProducts             nothing written
//           ──▶ customer, order, items, key, outbox row        one commit for all requests
//
// Every request is judged before its first write, so a refusal has nothing to undo and the others
// are not touched by it.
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

extension SQLiteOrderStore {
    public func accept(_ requests: [AcceptRequest]) throws(StoreError) -> [AcceptOutcome] {
        try database.write(.synced) { (connection) throws(StoreError) in
            try forgetOldKeys(of: requests, on: connection)
            var outcomes: [AcceptOutcome] = []
            outcomes.reserveCapacity(requests.count)
            for request in requests { outcomes.append(try accept(request, on: connection)) }
            CrashPoint.reach(.acceptBeforeCommit)
            return outcomes
        }
    }

    private func accept(
        _ request: AcceptRequest, on connection: SQLiteConnection
    ) throws(StoreError) -> AcceptOutcome {
        var customerID = try connection.customerID(of: request.user)
        if let key = request.idempotency, let customerID,
            let outcome = try repeated(key, of: customerID, on: connection)
        {
            return outcome
        }
        if let order = try connection.order(by: request.correlation) { return .accepted(order) }

        let products = try connection.products(of: request.lines)
        let missing = zip(request.lines, products).filter { $0.1 == nil }.map(\.0.productID)
        if !missing.isEmpty { return .unknownProducts(missing.distinct) }

        if customerID == nil {
            customerID = try connection.insertCustomer(request.user, at: request.acceptedAt)
        }
        guard let customerID else { preconditionFailure("a customer was found or inserted") }
        let order = try connection.insertOrder(
            request.correlation, of: customerID, lines: request.lines,
            products: products.compactMap { $0 }, status: .accepted, at: request.acceptedAt)
        if let key = request.idempotency {
            try connection.run(
                """
                INSERT INTO IdempotencyKey (CustomerId, Key, BodyDigest, OrderId, CreatedAt)
                VALUES (?, ?, ?, ?, ?)
                """,
                .integer(customerID), .text(key.key), .blob(key.bodyDigest), .integer(order.id),
                .integer(request.acceptedAt.microseconds))
        }
        let event = OrderAccepted(
            correlation: request.correlation, user: request.user, lines: request.lines)
        try connection.insertOutboxRow(
            queue: settings.queues.accepted, correlation: request.correlation,
            body: event.encoded(), traceparent: request.traceparent, at: request.acceptedAt)
        return .accepted(order)
    }

    /// The outcome for a key that was used before; nil for a new one.
    private func repeated(
        _ idempotency: AcceptRequest.Idempotency, of customerID: Int64,
        on connection: SQLiteConnection
    ) throws(StoreError) -> AcceptOutcome? {
        let known = try connection.first(
            "SELECT BodyDigest, OrderId FROM IdempotencyKey WHERE CustomerId = ? AND Key = ?",
            .integer(customerID), .text(idempotency.key)
        ) { (digest: $0.blob(0), orderID: $0.integer(1)) }
        guard let known else { return nil }
        guard known.digest == idempotency.bodyDigest else { return .keyReused }
        // Deleted since or not: the answer is the one that was given then.
        let order = try connection.first(
            "SELECT Id, CorrelationId, CreatedAt, Status FROM \"Order\" WHERE Id = ?",
            .integer(known.orderID), read: Order.init(row:))
        guard var order else { preconditionFailure("the key's foreign key has no order") }
        order.items = try connection.items(ofOrder: order.id)
        return .repeated(order)
    }

    /// Drops keys past their retention, a few with each batch that brings new ones, so that the
    /// table needs no sweeper.
    private func forgetOldKeys(
        of requests: [AcceptRequest], on connection: SQLiteConnection
    ) throws(StoreError) {
        let newest = requests.filter { $0.idempotency != nil }.map(\.acceptedAt).max()
        guard let newest else { return }
        let limit = newest.advanced(by: .zero - settings.idempotencyRetention)
        try connection.run(
            """
            DELETE FROM IdempotencyKey WHERE rowid IN
                (SELECT rowid FROM IdempotencyKey WHERE CreatedAt < ? ORDER BY CreatedAt LIMIT ?)
            """,
            .integer(limit.microseconds), .integer(Int64(2 * requests.count)))
    }

    public func deleteOrder(id: Int64, by user: String) throws(StoreError) -> DeleteOutcome {
        try database.write(.synced) { (connection) throws(StoreError) in
            guard let customerID = try connection.customerID(of: user) else { return .notFound }
            let owner = try connection.first(
                "SELECT CustomerId FROM \"Order\" WHERE Id = ? AND IsSoftDeleted = 0", .integer(id)
            ) { $0.integer(0) }
            guard let owner else { return .notFound }
            if owner != customerID { return .forbidden }
            try connection.run("UPDATE \"Order\" SET IsSoftDeleted = 1 WHERE Id = ?", .integer(id))
            return .deleted
        }
    }
}

/// What a line needs to know of its product.
struct PricedProduct {
    let id: Int64
    let name: String
    let imageURL: String
    let price: Price
}

extension SQLiteConnection {
    /// One entry per line, in order; nil where no live, active product has exactly that id.
    func products(of lines: [AcceptRequest.Line]) throws(StoreError) -> [PricedProduct?] {
        var products: [PricedProduct?] = []
        for line in lines {
            products.append(
                try first(
                    """
                    SELECT Id, Name, ImageUrl, Price FROM Product
                    WHERE ExternalProductId = ? AND IsActive = 1 AND IsSoftDeleted = 0
                    """,
                    .text(line.productID)
                ) { row in
                    PricedProduct(
                        id: row.integer(0), name: row.text(1), imageURL: row.text(2),
                        price: Price(hundredths: row.integer(3)))
                })
        }
        return products
    }

    func order(by correlation: CorrelationID) throws(StoreError) -> Order? {
        let order = try first(
            """
            SELECT Id, CorrelationId, CreatedAt, Status FROM "Order"
            WHERE CorrelationId IN (?1, upper(?1))
            """,
            .text(correlation.description), read: Order.init(row:))
        guard var order else { return nil }
        order.items = try items(ofOrder: order.id)
        return order
    }

    /// The one writer makes the race of two first orders impossible; the unique index would tell.
    func insertCustomer(_ user: String, at time: WallTime) throws(StoreError) -> Int64 {
        try run(
            "INSERT INTO Customer (ExternalCustomerId, CreatedAt, UpdatedAt) VALUES (?1, ?2, ?2)",
            .text(user), .integer(time.microseconds))
        return lastInsertedID
    }

    /// `products` has one entry per line.
    func insertOrder(
        _ correlation: CorrelationID, of customerID: Int64, lines: [AcceptRequest.Line],
        products: [PricedProduct], status: OrderStatus, at time: WallTime
    ) throws(StoreError) -> Order {
        precondition(lines.count == products.count)
        let stamp = SQLValue.integer(time.microseconds)
        try run(
            """
            INSERT INTO "Order" (CorrelationId, CustomerId, Status, CompletedAt, CreatedAt, UpdatedAt)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5)
            """,
            .text(correlation.description), .integer(customerID), .text(status.word),
            status == .completed ? stamp : .null, stamp)
        var order = Order(
            id: lastInsertedID, correlationID: correlation.description, createdAt: time,
            status: status, items: [])
        for (line, product) in zip(lines, products) {
            try run(
                """
                INSERT INTO OrderItem (OrderId, ProductId, Quantity, UnitPrice, ProductName,
                    CreatedAt, UpdatedAt) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
                """,
                .integer(order.id), .integer(product.id), .integer(Int64(line.quantity)),
                .integer(product.price.hundredths), .text(product.name), stamp)
            order.items.append(
                OrderItem(
                    productID: line.productID, productName: product.name,
                    imageURL: product.imageURL, unitPrice: product.price, quantity: line.quantity))
        }
        return order
    }

    func insertOutboxRow(
        queue: String, correlation: CorrelationID, body: [UInt8], traceparent: String?,
        at time: WallTime
    ) throws(StoreError) {
        try run(
            """
            INSERT INTO Outbox (Queue, CorrelationId, Body, Traceparent, CreatedAt)
            VALUES (?, ?, ?, ?, ?)
            """,
            .text(queue), .text(correlation.description), .blob(body), .optional(traceparent),
            .integer(time.microseconds))
    }
}

extension [String] {
    /// Without repeats, in order of the first occurrence.
    var distinct: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
