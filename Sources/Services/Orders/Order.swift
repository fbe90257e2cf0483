// Order: what is sold, what was ordered, and how far an order has come.
//
//   accepted ──▶ processing ──▶ completed            never backwards
//
// Thread: pure values.

import Loop

/// How far an order has come. The raw value is the number the hub puts on the wire.
public enum OrderStatus: Int, Sendable, Comparable, CaseIterable {
    case accepted = 0
    case processing = 1
    case completed = 2

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// The word in the database and in the workflow state.
    public var word: String {
        switch self {
        case .accepted: "ACCEPTED"
        case .processing: "PROCESSING"
        case .completed: "COMPLETED"
        }
    }

    /// Reads the word in any case; nil for any other text.
    public init?(word: String) {
        let upper = word.uppercased()
        guard let match = Self.allCases.first(where: { $0.word == upper }) else { return nil }
        self = match
    }
}

/// Money with two decimals, in hundredths: 39.99 is 3999. Never a floating-point number.
public struct Price: Hashable, Sendable, CustomStringConvertible {
    public let hundredths: Int64

    public init(hundredths: Int64) { self.hundredths = hundredths }

    /// Always two decimals, as the database column has them: `199.90`.
    public var description: String {
        let fraction = hundredths.magnitude % 100
        let sign = hundredths < 0 ? "-" : ""
        return "\(sign)\(hundredths.magnitude / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}

/// A row of the catalogue.
public struct Product: Equatable, Sendable {
    public var externalID: String
    public var name: String
    public var category: String
    public var vendor: String
    public var imageURL: String
    /// Percent, 0...100. `price` is already discounted.
    public var discount: Int
    /// "Monthly" or "Annual".
    public var billingPeriod: String
    public var isSubscription: Bool
    public var price: Price

    public init(
        externalID: String, name: String, category: String, vendor: String, imageURL: String,
        discount: Int, billingPeriod: String, isSubscription: Bool, price: Price
    ) {
        self.externalID = externalID
        self.name = name
        self.category = category
        self.vendor = vendor
        self.imageURL = imageURL
        self.discount = discount
        self.billingPeriod = billingPeriod
        self.isSubscription = isSubscription
        self.price = price
    }
}

/// One line of an order, with the price and name it was bought at.
public struct OrderItem: Equatable, Sendable {
    public var productID: String
    public var productName: String
    public var imageURL: String
    public var unitPrice: Price
    public var quantity: Int32

    public init(
        productID: String, productName: String, imageURL: String, unitPrice: Price, quantity: Int32
    ) {
        self.productID = productID
        self.productName = productName
        self.imageURL = imageURL
        self.unitPrice = unitPrice
        self.quantity = quantity
    }
}

/// An order as its owner sees it.
public struct Order: Equatable, Sendable {
    public var id: Int64
    /// Text, and not a CorrelationID, because seeded rows carry upper-case GUIDs that are given out
    /// as they are.
    public var correlationID: String
    public var createdAt: WallTime
    public var status: OrderStatus
    public var items: [OrderItem]

    public init(
        id: Int64, correlationID: String, createdAt: WallTime, status: OrderStatus,
        items: [OrderItem]
    ) {
        self.id = id
        self.correlationID = correlationID
        self.createdAt = createdAt
        self.status = status
        self.items = items
    }
}

/// What the hub and the worker need to know of an order.
public struct OrderState: Equatable, Sendable {
    public var id: Int64
    public var correlation: CorrelationID
    /// The subject of the token the order was posted with, byte for byte.
    public var user: String
    public var status: OrderStatus
    /// When it became completed; nil before.
    public var completedAt: WallTime?

    public init(
        id: Int64, correlation: CorrelationID, user: String, status: OrderStatus,
        completedAt: WallTime?
    ) {
        self.id = id
        self.correlation = correlation
        self.user = user
        self.status = status
        self.completedAt = completedAt
    }
}

/// A slice of a list, with the size of the whole.
public struct Page<Item: Sendable>: Sendable {
    public var offset: Int
    public var size: Int
    public var total: Int
    public var items: [Item]

    public init(offset: Int, size: Int, total: Int, items: [Item]) {
        self.offset = offset
        self.size = size
        self.total = total
        self.items = items
    }
}
