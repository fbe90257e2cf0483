// SQLiteOrderStore: the order store of the embedded engine; this file has what is asked of it.
//
//   reads    here                    on a snapshot, beside the writer
//   intake   SQLiteIntake            accept, delete
//   worker   SQLiteProcessing        begin, complete, outbox
//
// Thread: any worker thread; calls block.  Allocates: the results.

import Loop

public struct SQLiteOrderStore: OrderStore {
    public struct Settings: Sendable {
        public var queues = QueueNames()
        /// How long an idempotency key is remembered; then it may name a new order.
        public var idempotencyRetention: Duration = .seconds(24 * 3600)
        public init() {}
    }

    public var systemName: StaticString { "sqlite" }
    let database: SQLiteDatabase
    let settings: Settings

    /// - Parameter database: migrated.
    public init(database: SQLiteDatabase, settings: Settings = Settings()) {
        self.database = database
        self.settings = settings
    }

    public func ping() throws(StoreError) {
        _ = try database.read { (connection) throws(StoreError) in
            try connection.integer("SELECT max(Version) FROM SchemaVersion")
        }
    }

    // MARK: Products

    public func products(offset: Int, size: Int) throws(StoreError) -> Page<Product> {
        try database.read { (connection) throws(StoreError) in
            let total = try connection.integer(
                "SELECT count(*) FROM Product WHERE IsActive = 1 AND IsSoftDeleted = 0")
            let items = try connection.rows(
                """
                SELECT ExternalProductId, Name, Category, Vendor, ImageUrl, Discount,
                    BillingPeriod, IsSubscription, Price
                FROM Product WHERE IsActive = 1 AND IsSoftDeleted = 0
                ORDER BY Id LIMIT ? OFFSET ?
                """,
                .integer(Int64(size)), .integer(Int64(offset)), read: Product.init(row:))
            return Page(offset: offset, size: size, total: Int(total), items: items)
        }
    }

    public func product(externalID: String) throws(StoreError) -> Product? {
        try database.read { (connection) throws(StoreError) in
            // Of two ids that differ in case only, the exact one wins.
            try connection.first(
                """
                SELECT ExternalProductId, Name, Category, Vendor, ImageUrl, Discount,
                    BillingPeriod, IsSubscription, Price
                FROM Product
                WHERE ExternalProductId = ?1 COLLATE NOCASE AND IsActive = 1 AND IsSoftDeleted = 0
                ORDER BY ExternalProductId = ?1 DESC, Id LIMIT 1
                """,
                .text(externalID), read: Product.init(row:))
        }
    }

    // MARK: Orders

    public func orders(of user: String, offset: Int, size: Int) throws(StoreError) -> Page<Order> {
        try database.read { (connection) throws(StoreError) in
            let customerID = try connection.customerID(of: user)
            guard let customerID else {
                return Page(offset: offset, size: size, total: 0, items: [])
            }
            let total = try connection.integer(
                "SELECT count(*) FROM \"Order\" WHERE CustomerId = ? AND IsSoftDeleted = 0",
                .integer(customerID))
            var orders = try connection.rows(
                """
                SELECT Id, CorrelationId, CreatedAt, Status FROM "Order"
                WHERE CustomerId = ? AND IsSoftDeleted = 0
                ORDER BY CreatedAt DESC, Id DESC LIMIT ? OFFSET ?
                """,
                .integer(customerID), .integer(Int64(size)), .integer(Int64(offset)),
                read: Order.init(row:))
            for index in orders.indices {
                orders[index].items = try connection.items(ofOrder: orders[index].id)
            }
            return Page(offset: offset, size: size, total: Int(total), items: orders)
        }
    }

    public func order(id: Int64, of user: String) throws(StoreError) -> Order? {
        try database.read { (connection) throws(StoreError) in
            guard let customerID = try connection.customerID(of: user) else { return nil }
            let order = try connection.first(
                """
                SELECT Id, CorrelationId, CreatedAt, Status FROM "Order"
                WHERE Id = ? AND CustomerId = ? AND IsSoftDeleted = 0
                """,
                .integer(id), .integer(customerID), read: Order.init(row:))
            guard var order else { return nil }
            order.items = try connection.items(ofOrder: id)
            return order
        }
    }

    public func orderState(_ correlation: CorrelationID) throws(StoreError) -> OrderState? {
        try database.read { (connection) throws(StoreError) in
            // Seeded rows carry upper-case GUIDs.
            try connection.first(
                """
                SELECT o.Id, c.ExternalCustomerId, o.Status, o.CompletedAt
                FROM "Order" o JOIN Customer c ON c.Id = o.CustomerId
                WHERE o.CorrelationId IN (?1, upper(?1))
                """,
                .text(correlation.description)
            ) { row in
                OrderState(
                    id: row.integer(0), correlation: correlation, user: row.text(1),
                    status: row.status(2),
                    completedAt: row.integerOrNil(3).map { WallTime(microseconds: $0) })
            }
        }
    }

    public func completedOrders(
        of users: [String], since: WallTime
    ) throws(StoreError) -> [CompletedOrder] {
        try database.read { (connection) throws(StoreError) in
            var orders: [CompletedOrder] = []
            for user in users {
                orders += try connection.rows(
                    """
                    SELECT o.Id, o.CorrelationId
                    FROM "Order" o JOIN Customer c ON c.Id = o.CustomerId
                    WHERE c.ExternalCustomerId = ? AND o.CompletedAt >= ?
                    """,
                    .text(user), .integer(since.microseconds)
                ) { row in
                    guard let correlation = CorrelationID(parsing: row.text(1)) else {
                        preconditionFailure("correlation ids are checked before they are written")
                    }
                    return CompletedOrder(id: row.integer(0), user: user, correlation: correlation)
                }
            }
            return orders.sorted { $0.id < $1.id }
        }
    }
}

extension SQLiteConnection {
    /// Compared byte for byte: `cust-0001` is somebody else than `CUST-0001`.
    func customerID(of user: String) throws(StoreError) -> Int64? {
        try first("SELECT Id FROM Customer WHERE ExternalCustomerId = ?", .text(user)) {
            $0.integer(0)
        }
    }

    /// Lines by id, with the price and name they were bought at; those of rows written without a
    /// snapshot come from the catalogue. Lines of soft-deleted products are left out.
    func items(ofOrder id: Int64) throws(StoreError) -> [OrderItem] {
        try rows(
            """
            SELECT p.ExternalProductId, coalesce(i.ProductName, p.Name), p.ImageUrl,
                coalesce(i.UnitPrice, p.Price), i.Quantity
            FROM OrderItem i JOIN Product p ON p.Id = i.ProductId
            WHERE i.OrderId = ? AND i.IsSoftDeleted = 0 AND p.IsSoftDeleted = 0
            ORDER BY i.Id
            """,
            .integer(id)
        ) { row in
            OrderItem(
                productID: row.text(0), productName: row.text(1), imageURL: row.text(2),
                unitPrice: Price(hundredths: row.integer(3)),
                quantity: Int32(clamping: row.integer(4)))
        }
    }
}

extension Row {
    func status(_ column: Int32) -> OrderStatus {
        guard let status = OrderStatus(word: text(column)) else {
            preconditionFailure("the column's check allows no other word")
        }
        return status
    }
}

extension Order {
    /// Columns: id, correlation id, created at, status. The items are another query.
    init(row: Row) {
        self.init(
            id: row.integer(0), correlationID: row.text(1),
            createdAt: WallTime(microseconds: row.integer(2)), status: row.status(3), items: [])
    }
}

extension Product {
    fileprivate init(row: Row) {
        self.init(
            externalID: row.text(0), name: row.text(1), category: row.text(2),
            vendor: row.text(3), imageURL: row.text(4), discount: Int(row.integer(5)),
            billingPeriod: row.text(6), isSubscription: row.integer(7) != 0,
            price: Price(hundredths: row.integer(8)))
    }
}
