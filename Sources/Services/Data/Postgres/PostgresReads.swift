// PostgresReads: what clients, hub and notifier ask; each answer is one round trip.
//
// Statements that belong together run in one snapshot, so that a page, its total and its lines fit
// each other while others write.
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

extension PostgresOrderStore {
    // MARK: Products

    public func products(offset: Int, size: Int) throws(StoreError) -> Page<Product> {
        let rows = try run(
            .snapshot,
            [
                PostgresStatement(
                    """
                    SELECT count(*) FROM "Product" WHERE "IsActive" AND NOT "IsSoftDeleted"
                    """),
                PostgresStatement(
                    """
                    SELECT "ExternalProductId", "Name", "Category", "Vendor", "ImageUrl", "Discount",
                        "BillingPeriod", "IsSubscription", ("Price" * 100)::bigint
                    FROM "Product" WHERE "IsActive" AND NOT "IsSoftDeleted"
                    ORDER BY "Id" LIMIT $1 OFFSET $2
                    """,
                    .integer(Int64(size)), .integer(Int64(offset))),
            ])
        return Page(
            offset: offset, size: size, total: Int(rows[0][0].integer(0)),
            items: rows[1].map(Product.init(row:)))
    }

    public func product(externalID: String) throws(StoreError) -> Product? {
        // The columns' collation folds ASCII letters only. Of two ids that differ in case only, the
        // exact one wins.
        try call { (connection) throws(PostgresError) in
            try connection.run(
                """
                SELECT "ExternalProductId", "Name", "Category", "Vendor", "ImageUrl", "Discount",
                    "BillingPeriod", "IsSubscription", ("Price" * 100)::bigint
                FROM "Product"
                WHERE lower("ExternalProductId") = lower($1 COLLATE "C")
                    AND "IsActive" AND NOT "IsSoftDeleted"
                ORDER BY "ExternalProductId" = $1 DESC, "Id" LIMIT 1
                """,
                .text(externalID)
            ).first.map(Product.init(row:))
        }
    }

    // MARK: Orders

    public func orders(of user: String, offset: Int, size: Int) throws(StoreError) -> Page<Order> {
        let rows = try run(
            .snapshot,
            [
                PostgresStatement(
                    """
                    SELECT count(*) FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
                    WHERE c."ExternalCustomerId" = $1 AND NOT o."IsSoftDeleted"
                    """,
                    .text(user)),
                PostgresStatement(
                    """
                    SELECT o."Id", o."CorrelationId", o."CreatedAt", o."Status"
                    FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
                    WHERE c."ExternalCustomerId" = $1 AND NOT o."IsSoftDeleted"
                    ORDER BY o."CreatedAt" DESC, o."Id" DESC LIMIT $2 OFFSET $3
                    """,
                    .text(user), .integer(Int64(size)), .integer(Int64(offset))),
                PostgresStatement(
                    """
                    SELECT i."OrderId", p."ExternalProductId", coalesce(i."ProductName", p."Name"),
                        p."ImageUrl", (coalesce(i."UnitPrice", p."Price") * 100)::bigint, i."Quantity"
                    FROM (
                        SELECT o."Id"
                        FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
                        WHERE c."ExternalCustomerId" = $1 AND NOT o."IsSoftDeleted"
                        ORDER BY o."CreatedAt" DESC, o."Id" DESC LIMIT $2 OFFSET $3
                    ) o
                    JOIN "OrderItem" i ON i."OrderId" = o."Id"
                    JOIN "Product" p ON p."Id" = i."ProductId"
                    WHERE NOT i."IsSoftDeleted" AND NOT p."IsSoftDeleted"
                    ORDER BY i."Id"
                    """,
                    .text(user), .integer(Int64(size)), .integer(Int64(offset))),
            ])
        return Page(
            offset: offset, size: size, total: Int(rows[0][0].integer(0)),
            items: Order.list(rows[1], items: rows[2]))
    }

    public func order(id: Int64, of user: String) throws(StoreError) -> Order? {
        let rows = try run(
            .snapshot,
            [
                PostgresStatement(
                    """
                    SELECT o."Id", o."CorrelationId", o."CreatedAt", o."Status"
                    FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
                    WHERE o."Id" = $1 AND c."ExternalCustomerId" = $2 AND NOT o."IsSoftDeleted"
                    """,
                    .integer(id), .text(user)),
                .items(ofOrders: [id]),
            ])
        return Order.list(rows[0], items: rows[1]).first
    }

    public func orderState(_ correlation: CorrelationID) throws(StoreError) -> OrderState? {
        try call { (connection) throws(PostgresError) in
            try connection.run(
                """
                SELECT o."Id", c."ExternalCustomerId", o."Status", o."CompletedAt"
                FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
                WHERE o."CorrelationId" = ANY($1)
                """,
                .texts(correlation.spellings)
            ).first.map { row in
                OrderState(
                    id: row.integer(0), correlation: correlation, user: row.text(1),
                    status: row.status(2), completedAt: row.timeOrNil(3))
            }
        }
    }

    public func completedOrders(
        of users: [String], since: WallTime
    ) throws(StoreError) -> [CompletedOrder] {
        try call { (connection) throws(PostgresError) in
            try connection.run(
                """
                SELECT o."Id", c."ExternalCustomerId", o."CorrelationId"
                FROM "Customer" c JOIN "Order" o ON o."CustomerId" = c."Id"
                WHERE c."ExternalCustomerId" = ANY($1) AND o."CompletedAt" >= $2
                ORDER BY o."Id"
                """,
                .texts(users), .time(since)
            ).map { row in
                guard let correlation = CorrelationID(parsing: row.text(2)) else {
                    preconditionFailure("correlation ids are checked before they are written")
                }
                return CompletedOrder(
                    id: row.integer(0), user: row.text(1), correlation: correlation)
            }
        }
    }
}

extension CorrelationID {
    /// Ours and that of seeded rows, which carry upper-case GUIDs.
    var spellings: [String] { [description, description.uppercased()] }
}

extension PostgresStatement {
    /// Lines by id, with the price and name they were bought at; those of rows written without a
    /// snapshot come from the catalogue. Lines of soft-deleted products are left out.
    static func items(ofOrders ids: [Int64]) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT i."OrderId", p."ExternalProductId", coalesce(i."ProductName", p."Name"),
                p."ImageUrl", (coalesce(i."UnitPrice", p."Price") * 100)::bigint, i."Quantity"
            FROM "OrderItem" i JOIN "Product" p ON p."Id" = i."ProductId"
            WHERE i."OrderId" = ANY($1) AND NOT i."IsSoftDeleted" AND NOT p."IsSoftDeleted"
            ORDER BY i."Id"
            """,
            .integers(ids))
    }
}

extension PostgresRow {
    func status(_ column: Int32) -> OrderStatus {
        guard let status = OrderStatus(word: text(column)) else {
            preconditionFailure("the column's check allows no other word")
        }
        return status
    }
}

extension Order {
    /// Orders in the order of their rows (id, correlation id, created at, status) with their lines
    /// (order id, product id, name, image, price in hundredths, quantity).
    static func list(_ rows: PostgresRows, items: PostgresRows) -> [Order] {
        var lines: [Int64: [OrderItem]] = [:]
        for index in 0..<items.count {
            let row = items[index]
            lines[row.integer(0), default: []].append(
                OrderItem(
                    productID: row.text(1), productName: row.text(2), imageURL: row.text(3),
                    unitPrice: Price(hundredths: row.integer(4)), quantity: row.small(5)))
        }
        return rows.map { row in
            Order(
                id: row.integer(0), correlationID: row.text(1), createdAt: row.time(2),
                status: row.status(3), items: lines[row.integer(0)] ?? [])
        }
    }
}

extension Product {
    fileprivate init(row: PostgresRow) {
        self.init(
            externalID: row.text(0), name: row.text(1), category: row.text(2),
            vendor: row.text(3), imageURL: row.text(4), discount: Int(row.small(5)),
            billingPeriod: row.text(6), isSubscription: row.boolean(7),
            price: Price(hundredths: row.integer(8)))
    }
}
