// PostgresNewOrder: orders on their way into the tables, many at a time.
//
//   [NewOrder] ──▶ INSERT Customer (those not there yet) ──▶ INSERT Order ──▶ INSERT OrderItem
//
// Each INSERT takes arrays and joins what the one before it wrote by its outside name, so all three
// go to the server together, without waiting for ids in between.
//
// Thread: pure values.  Allocates: the arrays.

import Loop

struct NewOrder {
    let correlation: CorrelationID
    let user: String
    let lines: [AcceptRequest.Line]
    /// One per line.
    let products: [PricedProduct]
    let at: WallTime

    /// Three statements; the second returns id and correlation id of each order.
    static func inserts(of orders: [NewOrder], status: OrderStatus) -> [PostgresStatement] {
        [
            customerInsert(of: orders), orderInsert(of: orders, status: status),
            itemInsert(of: orders),
        ]
    }

    /// In order of the names, so that two processes with the same new users cannot wait for each
    /// other. One that loses a race waits for the other's commit, and the next statement sees it.
    private static func customerInsert(of orders: [NewOrder]) -> PostgresStatement {
        var firstTimes: [String: WallTime] = [:]
        for order in orders { firstTimes[order.user] = firstTimes[order.user] ?? order.at }
        return PostgresStatement(
            """
            INSERT INTO "Customer" ("ExternalCustomerId", "CreatedAt", "UpdatedAt")
            SELECT n."User", n."At", n."At" FROM unnest($1, $2) AS n("User", "At")
            WHERE NOT EXISTS (SELECT FROM "Customer" c WHERE c."ExternalCustomerId" = n."User")
            ORDER BY n."User" COLLATE "C"
            ON CONFLICT ("ExternalCustomerId") DO NOTHING
            """,
            .texts(firstTimes.map(\.key)), .times(firstTimes.map(\.value)))
    }

    private static func orderInsert(
        of orders: [NewOrder], status: OrderStatus
    ) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO "Order"
                ("CorrelationId", "CustomerId", "Status", "CompletedAt", "CreatedAt", "UpdatedAt")
            SELECT n."CorrelationId", c."Id", $4, CASE WHEN $4 = 'COMPLETED' THEN n."At" END,
                n."At", n."At"
            FROM unnest($1, $2, $3) WITH ORDINALITY AS n("CorrelationId", "User", "At", "Number")
            JOIN "Customer" c ON c."ExternalCustomerId" = n."User"
            ORDER BY n."Number"
            RETURNING "Id", "CorrelationId"
            """,
            .texts(orders.map(\.correlation.description)), .texts(orders.map(\.user)),
            .times(orders.map(\.at)), .text(status.word))
    }

    private static func itemInsert(of orders: [NewOrder]) -> PostgresStatement {
        var correlations: [String] = []
        var products: [PricedProduct] = []
        var quantities: [Int64] = []
        var times: [WallTime] = []
        for order in orders {
            let correlation = order.correlation.description
            for (line, product) in zip(order.lines, order.products) {
                correlations.append(correlation)
                products.append(product)
                quantities.append(Int64(line.quantity))
                times.append(order.at)
            }
        }
        return PostgresStatement(
            """
            INSERT INTO "OrderItem" ("OrderId", "ProductId", "Quantity", "UnitPrice", "ProductName",
                "CreatedAt", "UpdatedAt")
            SELECT o."Id", n."ProductId", n."Quantity"::integer, n."Price" * 0.01, n."Name", n."At",
                n."At"
            FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY
                AS n("CorrelationId", "ProductId", "Quantity", "Price", "Name", "At", "Number")
            JOIN "Order" o ON o."CorrelationId" = n."CorrelationId"
            ORDER BY n."Number"
            """,
            .texts(correlations), .integers(products.map(\.id)), .integers(quantities),
            .integers(products.map(\.price.hundredths)), .texts(products.map(\.name)),
            .times(times))
    }

    /// The orders as their owners see them.
    ///
    /// - Parameter ids: what the second statement returned.
    static func orders(
        _ new: [NewOrder], ids: PostgresRows, status: OrderStatus
    ) -> [Order] {
        let pairs = ids.map { ($0.text(1), $0.integer(0)) }
        let byCorrelation = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        return new.map { order in
            let correlation = order.correlation.description
            guard let id = byCorrelation[correlation] else {
                preconditionFailure("every order has a customer, so every order was inserted")
            }
            let items = zip(order.lines, order.products).map { line, product in
                OrderItem(
                    productID: line.productID, productName: product.name,
                    imageURL: product.imageURL, unitPrice: product.price, quantity: line.quantity)
            }
            return Order(
                id: id, correlationID: correlation, createdAt: order.at, status: status,
                items: items)
        }
    }
}

extension PostgresStatement {
    /// Live, active products with exactly the ids of these lines.
    static func products(of lines: [AcceptRequest.Line]) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT "ExternalProductId", "Id", "Name", "ImageUrl", ("Price" * 100)::bigint
            FROM "Product"
            WHERE "ExternalProductId" = ANY($1) AND "IsActive" AND NOT "IsSoftDeleted"
            """,
            .texts(lines.map(\.productID).distinct))
    }
}

extension PricedProduct {
    static func byExternalID(_ rows: PostgresRows) -> [String: PricedProduct] {
        let pairs = rows.map { row in
            (
                row.text(0),
                PricedProduct(
                    id: row.integer(1), name: row.text(2), imageURL: row.text(3),
                    price: Price(hundredths: row.integer(4)))
            )
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}
