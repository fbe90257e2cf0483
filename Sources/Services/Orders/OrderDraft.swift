// OrderDraft: an order as a client wrote it, and what must hold before it is accepted.
//
// Keys and messages are those of the replaced system, byte for byte; the caps are new.
//
// Thread: a pure value.

/// Caps on what one request may ask for. More is answered with 400.
public struct OrderLimits: Sendable {
    /// Lines of one order.
    public var itemCountMax = 100
    /// UTF-16 units of a product id; the column's length.
    public var productIDCountMax = 64
    /// Units of one line.
    public var quantityMax: Int32 = 10_000
    /// UTF-16 units of a user id; the column's length.
    public var userCountMax = 64
    /// Bytes of an idempotency key; the column's length.
    public var idempotencyKeyCountMax = 64
    public init() {}
}

/// The `errors` member of a validation problem, in the order of the checks.
public struct ValidationErrors: Error, Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let key: String
        public var messages: [String]
    }
    public private(set) var entries: [Entry] = []

    public init() {}

    /// A second message for a key joins the first.
    mutating func add(_ key: String, _ message: String) {
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].messages.append(message)
        } else {
            entries.append(Entry(key: key, messages: [message]))
        }
    }
}

public struct OrderDraft: Equatable, Sendable {
    public struct Item: Equatable, Sendable {
        /// Nil if missing or null.
        public var productID: String?
        /// Nil if missing or null.
        public var quantity: Int64?
        public init(productID: String?, quantity: Int64?) {
            self.productID = productID
            self.quantity = quantity
        }
    }

    /// Nil if missing or null; a nil element was a JSON null.
    public var items: [Item?]?

    public init(items: [Item?]?) { self.items = items }

    /// The lines if all rules hold.
    ///
    /// - Throws: every broken rule, not only the first.
    public func validated(_ limits: OrderLimits) throws(ValidationErrors) -> [AcceptRequest.Line] {
        var errors = ValidationErrors()
        if items == nil { errors.add("items", "Items collection is required.") }
        let items = items ?? []
        if items.isEmpty { errors.add("items", "At least one order item is required.") }
        if items.count > limits.itemCountMax {
            // The items themselves are not judged: their errors would be as many.
            errors.add("items", "At most \(limits.itemCountMax) order items are allowed.")
            throw errors
        }
        var lines: [AcceptRequest.Line] = []
        for (index, item) in items.enumerated() {
            guard let item else {
                errors.add("items[\(index)]", "Item is required.")
                continue
            }
            let productID = item.productID ?? ""
            Self.check(productID, at: index, limits, &errors)
            let quantity = item.quantity ?? 0
            if quantity <= 0 {
                errors.add("items[\(index)].quantity", "Quantity must be greater than 0.")
            } else if quantity > limits.quantityMax {
                errors.add(
                    "items[\(index)].quantity", "Quantity must not exceed \(limits.quantityMax).")
            }
            lines.append(
                AcceptRequest.Line(productID: productID, quantity: Int32(clamping: quantity)))
        }
        if !errors.entries.isEmpty { throw errors }
        return lines
    }

    private static func check(
        _ productID: String, at index: Int, _ limits: OrderLimits, _ errors: inout ValidationErrors
    ) {
        let key = "items[\(index)].productId"
        if productID.isBlank {
            errors.add(key, "ProductId is required.")
        } else if productID.utf16.count > limits.productIDCountMax {
            errors.add(
                key, "ProductId must not exceed \(limits.productIDCountMax) characters.")
        }
    }
}
