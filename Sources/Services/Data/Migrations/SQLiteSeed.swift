// SQLiteSeed: writes the seed into a SQLite database.
//
// Thread: one write transaction.  Allocates: freely, once per database.

import Loop

enum SQLiteSeed {
    static func insert(into connection: SQLiteConnection) throws(StoreError) {
        for product in Seed.products() { try insert(product, into: connection) }
        for customer in Seed.customers() { try insert(customer, into: connection) }
        for order in Seed.orders() { try insert(order, into: connection) }
    }

    private static func insert(_ product: Product, into connection: SQLiteConnection)
        throws(StoreError)
    {
        try connection.run(
            """
            INSERT INTO Product (ExternalProductId, Name, Category, Vendor, ImageUrl, Discount,
                BillingPeriod, IsSubscription, Price) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(product.externalID), .text(product.name), .text(product.category),
            .text(product.vendor), .text(product.imageURL), .integer(Int64(product.discount)),
            .text(product.billingPeriod), .integer(product.isSubscription ? 1 : 0),
            .integer(product.price.hundredths))
    }

    private static func insert(_ customer: Seed.Customer, into connection: SQLiteConnection)
        throws(StoreError)
    {
        try connection.run(
            """
            INSERT INTO Customer (ExternalCustomerId, FirstName, LastName, Email, AddressLine1,
                City, PostalCode, CountryCode) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(customer.externalID), .text(customer.firstName), .text(customer.lastName),
            .text(customer.email), .text(customer.address), .text(customer.city),
            .text(customer.postalCode), .text(customer.country))
    }

    private static func insert(_ order: Seed.Order, into connection: SQLiteConnection)
        throws(StoreError)
    {
        let created = SQLValue.integer(order.createdAt.microseconds)
        try connection.run(
            """
            INSERT INTO "Order" (CorrelationId, CustomerId, Status, CreatedAt, UpdatedAt,
                CompletedAt)
            SELECT ?, Id, 'COMPLETED', ?, ?, ? FROM Customer WHERE ExternalCustomerId = ?
            """,
            .text(order.correlation), created, created,
            .integer(order.completedAt.microseconds), .text(order.customer))
        let orderID = connection.lastInsertedID
        for line in order.lines {
            try connection.run(
                """
                INSERT INTO OrderItem (OrderId, ProductId, Quantity, UnitPrice, ProductName,
                    CreatedAt, UpdatedAt)
                SELECT ?, Id, ?, Price, Name, ?, ? FROM Product WHERE ExternalProductId = ?
                """,
                .integer(orderID), .integer(Int64(line.quantity)), created, created,
                .text(line.productID))
            // A typing error in the seed must not make a shorter order.
            precondition(connection.changedRowCount == 1, "no product \(line.productID)")
        }
    }
}
