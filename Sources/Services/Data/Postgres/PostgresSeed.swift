// PostgresSeed: writes the seed into a PostgreSQL database, in one round trip.
//
// Thread: one transaction of a migration.  Allocates: freely, once per database.

import Loop

enum PostgresSeed {
    static func insert(into connection: PostgresConnection) throws(PostgresError) {
        let orders = Seed.orders()
        let items = orders.flatMap { order in order.lines.map { insert($0, of: order) } }
        let results = try connection.run(
            Seed.products().map(insert) + Seed.customers().map(insert) + orders.map(insert)
                + items)
        // A typing error in the seed must not make a shorter order.
        for result in results { precondition(result.changedCount == 1, "the seed fits itself") }
    }

    private static func insert(_ product: Product) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO "Product" ("ExternalProductId", "Name", "Category", "Vendor", "ImageUrl",
                "Discount", "BillingPeriod", "IsSubscription", "Price")
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8 <> 0, $9 * 0.01)
            """,
            .text(product.externalID), .text(product.name), .text(product.category),
            .text(product.vendor), .text(product.imageURL), .integer(Int64(product.discount)),
            .text(product.billingPeriod), .integer(product.isSubscription ? 1 : 0),
            .integer(product.price.hundredths))
    }

    private static func insert(_ customer: Seed.Customer) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO "Customer" ("ExternalCustomerId", "FirstName", "LastName", "Email",
                "AddressLine1", "City", "PostalCode", "CountryCode")
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            .text(customer.externalID), .text(customer.firstName), .text(customer.lastName),
            .text(customer.email), .text(customer.address), .text(customer.city),
            .text(customer.postalCode), .text(customer.country))
    }

    private static func insert(_ order: Seed.Order) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO "Order" ("CorrelationId", "CustomerId", "Status", "CreatedAt", "UpdatedAt",
                "CompletedAt")
            SELECT $1, "Id", 'COMPLETED', $2, $2, $3 FROM "Customer"
            WHERE "ExternalCustomerId" = $4
            """,
            .text(order.correlation), .time(order.createdAt), .time(order.completedAt),
            .text(order.customer))
    }

    private static func insert(
        _ line: AcceptRequest.Line, of order: Seed.Order
    ) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO "OrderItem" ("OrderId", "ProductId", "Quantity", "UnitPrice", "ProductName",
                "CreatedAt", "UpdatedAt")
            SELECT o."Id", p."Id", $1, p."Price", p."Name", $2, $2 FROM "Order" o, "Product" p
            WHERE o."CorrelationId" = $3 AND p."ExternalProductId" = $4
            """,
            .integer(Int64(line.quantity)), .time(order.createdAt), .text(order.correlation),
            .text(line.productID))
    }
}
