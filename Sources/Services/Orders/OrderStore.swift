// OrderStore: the durable truth about products and orders, and what it promises.
//
// Calls block; they belong to worker threads, never to a loop. Engines: SQLite and PostgreSQL, both
// below Data/.
//
// Thread: any worker thread.

import Loop

/// Why the store could not do its work. The caller's data is never the reason.
public enum StoreError: Error, Sendable {
    /// The database is away or busy past its deadline; the same call may succeed later.
    case unavailable(String)
    /// A statement failed in a way that repeating cannot mend: corrupt file, full disk, our bug.
    case failed(String)
}

/// One validated order to accept.
public struct AcceptRequest: Sendable {
    public struct Line: Equatable, Sendable {
        public var productID: String
        public var quantity: Int32
        public init(productID: String, quantity: Int32) {
            self.productID = productID
            self.quantity = quantity
        }
    }

    /// The client's key with the digest of the body it came with (SHA-256).
    public struct Idempotency: Equatable, Sendable {
        public var key: String
        public var bodyDigest: [UInt8]
        public init(key: String, bodyDigest: [UInt8]) {
            self.key = key
            self.bodyDigest = bodyDigest
        }
    }

    public var user: String
    public var lines: [Line]
    public var correlation: CorrelationID
    public var idempotency: Idempotency?
    public var acceptedAt: WallTime
    /// W3C trace context of the request, to travel with the outbox row; nil if there was none.
    public var traceparent: String?

    public init(
        user: String, lines: [Line], correlation: CorrelationID, idempotency: Idempotency?,
        acceptedAt: WallTime, traceparent: String?
    ) {
        self.user = user
        self.lines = lines
        self.correlation = correlation
        self.idempotency = idempotency
        self.acceptedAt = acceptedAt
        self.traceparent = traceparent
    }
}

public enum AcceptOutcome: Sendable {
    /// Order, items and outbox row are committed.
    case accepted(Order)
    /// The key was used before with the same body: that order, nothing new.
    case repeated(Order)
    /// The key was used before with another body (409).
    case keyReused
    /// Distinct missing ids in request order; nothing was written.
    case unknownProducts([String])
}

/// An order that is done, and who wants to know.
public struct CompletedOrder: Equatable, Sendable {
    public var id: Int64
    public var user: String
    public var correlation: CorrelationID
    public init(id: Int64, user: String, correlation: CorrelationID) {
        self.id = id
        self.user = user
        self.correlation = correlation
    }
}

public enum DeleteOutcome: Equatable, Sendable { case deleted, notFound, forbidden }

/// An event waiting to be published.
public struct OutboxRow: Equatable, Sendable {
    public var id: Int64
    public var queue: String
    public var correlation: CorrelationID
    public var body: [UInt8]
    public var traceparent: String?

    public init(
        id: Int64, queue: String, correlation: CorrelationID, body: [UInt8], traceparent: String?
    ) {
        self.id = id
        self.queue = queue
        self.correlation = correlation
        self.body = body
        self.traceparent = traceparent
    }
}

/// What became of one accepted event handed to the worker.
public enum ProcessOutcome: Equatable, Sendable {
    /// The order is COMPLETED and its order.processed event stands in the outbox, in one commit.
    case completed(orderID: Int64)
    /// It was completed before; the event was put into the outbox again.
    case repeated(orderID: Int64)
    /// The order does not exist and names products that do not exist either: poison.
    case unknownProducts([String])
}

public protocol OrderStore: Sendable {
    /// The database's name in the semantic conventions of OpenTelemetry.
    var systemName: StaticString { get }

    /// Active, live products by internal id.
    func products(offset: Int, size: Int) throws(StoreError) -> Page<Product>
    /// Matches without regard to case, as the reference's collation does.
    func product(externalID: String) throws(StoreError) -> Product?

    /// The user's live orders, newest first. A user without a row has none.
    func orders(of user: String, offset: Int, size: Int) throws(StoreError) -> Page<Order>
    /// Nil if it is absent, deleted or another user's.
    func order(id: Int64, of user: String) throws(StoreError) -> Order?
    func deleteOrder(id: Int64, by user: String) throws(StoreError) -> DeleteOutcome
    /// Finds soft-deleted rows too: an event for one must still end.
    func orderState(_ correlation: CorrelationID) throws(StoreError) -> OrderState?

    /// The orders of these users that were completed at `since` or later, deleted ones included,
    /// by id.
    func completedOrders(of users: [String], since: WallTime) throws(StoreError)
        -> [CompletedOrder]

    /// Accepts all requests in one commit, each on its own: one request's refusal leaves the others.
    /// Returns one outcome per request, in order, after the commit is durable.
    ///
    /// A correlation that is in the database already is the same request again (its first commit was
    /// in doubt): it gives `accepted` with that order and writes nothing.
    func accept(_ requests: [AcceptRequest]) throws(StoreError) -> [AcceptOutcome]

    /// ACCEPTED → PROCESSING; no effect on an order that is further or absent.
    func beginProcessing(_ correlations: [CorrelationID]) throws(StoreError)
    /// Completes all orders in one commit. Creates a missing order from the event (a foreign
    /// producer's) if its products exist.
    func complete(_ events: [OrderAccepted], at time: WallTime) throws(StoreError)
        -> [ProcessOutcome]

    /// Unpublished rows, oldest first. A store that several relays share gives each row to one of
    /// them at a time.
    func outbox(limit: Int) throws(StoreError) -> [OutboxRow]
    /// After the broker has confirmed them; they leave the outbox.
    func markPublished(_ rows: [Int64]) throws(StoreError)
    func outboxDepth() throws(StoreError) -> Int

    /// A cheap query that proves the database answers.
    func ping() throws(StoreError)
}

extension OrderStore {
    public var systemName: StaticString { "other_sql" }
}
