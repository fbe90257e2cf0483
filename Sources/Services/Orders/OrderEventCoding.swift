// OrderEventCoding: the bodies of order.accepted and order.processed, written and read.
//
// Written are exactly the forms in OrderEvents. Read is more, because other producers exist:
//
//   member names     in any case; unknown ones are skipped
//   correlation id   "guid" or {"value":"guid"}
//   v1               {correlationId, order:{customerId, items:[{productId, quantity}]}}
//   v2               {correlationId, orderId, externalCustomerId, items:[…]}     orderId is ignored
//
// A body that breaks these rules will break them for ever: it is poison and goes to the dead letters.
//
// Thread: pure functions.  Allocates: the values.  Source: RFC 8259.

import Hub

/// A message that no retry can mend, with the reason for the one who looks into the dead letters.
public struct PoisonMessage: Error, Equatable, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
}

extension OrderAccepted {
    public func encoded() -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 128 + 48 * lines.count)
        json.beginObject()
        json.write(correlation)
        json.key("Order")
        json.beginObject()
        json.key("CustomerId")
        json.string(user)
        json.key("Items")
        json.beginArray()
        for line in lines {
            json.beginObject()
            json.key("ProductId")
            json.string(line.productID)
            json.key("Quantity")
            json.integer(Int64(line.quantity))
            json.endObject()
        }
        json.endArray()
        json.endObject()
        json.endObject()
        return json.bytes
    }

    public init(decoding body: [UInt8], traceparent: String? = nil) throws(PoisonMessage) {
        let members = try EventMembers(body)
        let correlation = try members.validCorrelation()
        guard let user = members.customer, !user.isBlank else {
            throw PoisonMessage(reason: "no customer id")
        }
        // The columns' lengths: a longer value can be in no table, so it would fail for ever.
        guard user.utf16.count <= 64 else {
            throw PoisonMessage(reason: "customer id above 64 characters")
        }
        guard !members.lines.isEmpty else { throw PoisonMessage(reason: "no items") }
        var lines: [AcceptRequest.Line] = []
        for (index, line) in members.lines.enumerated() {
            guard let product = line.product, !product.isBlank else {
                throw PoisonMessage(reason: "item \(index): no product id")
            }
            guard product.utf16.count <= 64 else {
                throw PoisonMessage(reason: "item \(index): product id above 64 characters")
            }
            guard line.quantity > 0, let quantity = Int32(exactly: line.quantity) else {
                throw PoisonMessage(reason: "item \(index): quantity is not in 1...2147483647")
            }
            lines.append(AcceptRequest.Line(productID: product, quantity: quantity))
        }
        self.init(correlation: correlation, user: user, lines: lines, traceparent: traceparent)
    }
}

extension OrderProcessed {
    public func encoded() -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 96)
        json.beginObject()
        json.write(correlation)
        json.key("OrderId")
        json.integer(orderID)
        json.endObject()
        return json.bytes
    }

    public init(decoding body: [UInt8]) throws(PoisonMessage) {
        let members = try EventMembers(body)
        let correlation = try members.validCorrelation()
        guard members.orderID >= 1 else { throw PoisonMessage(reason: "no order id") }
        self.init(correlation: correlation, orderID: members.orderID)
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ correlation: CorrelationID) {
        key("CorrelationId")
        beginObject()
        key("Value")
        string(correlation.description)
        endObject()
    }
}

extension String {
    /// Empty, or nothing but white space.
    var isBlank: Bool { allSatisfy(\.isWhitespace) }
}

/// Whatever members of either event a body has; nothing is required yet.
private struct EventMembers {
    var correlation: String?
    var customer: String?
    var lines: [(product: String?, quantity: Int64)] = []
    var orderID: Int64 = 0

    init(_ body: [UInt8]) throws(PoisonMessage) {
        do {
            self = try body.withUnsafeBytes { (bytes) throws(JSONError) in
                var json = JSONScanner(bytes)
                let members = try EventMembers(root: &json)
                try json.end()
                return members
            }
        } catch {
            throw PoisonMessage(reason: "invalid payload: \(error)")
        }
    }

    func validCorrelation() throws(PoisonMessage) -> CorrelationID {
        guard let correlation, let id = CorrelationID(parsing: correlation) else {
            throw PoisonMessage(reason: "no valid correlation id")
        }
        return id
    }

    private init(root json: inout JSONScanner) throws(JSONError) {
        try json.beginObject()
        while let key = try json.nextKey() {
            switch json.text(of: key).lowercased() {
            case "correlationid": correlation = try Self.correlation(&json)
            case "orderid": orderID = try json.integer()
            case "order" where try json.peekKind() == .object: try readOrder(&json)
            case "externalcustomerid", "customerid": customer = try Self.optionalText(&json)
            case "items": lines = try Self.items(&json)
            default: _ = try json.skipValue()
            }
        }
    }

    private mutating func readOrder(_ json: inout JSONScanner) throws(JSONError) {
        try json.beginObject()
        while let key = try json.nextKey() {
            switch json.text(of: key).lowercased() {
            case "customerid": customer = try Self.optionalText(&json)
            case "items": lines = try Self.items(&json)
            default: _ = try json.skipValue()
            }
        }
    }

    private static func correlation(_ json: inout JSONScanner) throws(JSONError) -> String? {
        guard try json.peekKind() == .object else { return try optionalText(&json) }
        var value: String?
        try json.beginObject()
        while let key = try json.nextKey() {
            if json.text(of: key).lowercased() == "value" {
                value = try optionalText(&json)
            } else {
                _ = try json.skipValue()
            }
        }
        return value
    }

    private static func items(
        _ json: inout JSONScanner
    ) throws(JSONError) -> [(product: String?, quantity: Int64)] {
        var items: [(product: String?, quantity: Int64)] = []
        guard try json.peekKind() != .null else {
            try json.null()
            return items
        }
        try json.beginArray()
        while try json.nextElement() {
            var item: (product: String?, quantity: Int64) = (nil, 0)
            try json.beginObject()
            while let key = try json.nextKey() {
                switch json.text(of: key).lowercased() {
                case "productid": item.product = try optionalText(&json)
                case "quantity": item.quantity = try json.integer()
                default: _ = try json.skipValue()
                }
            }
            items.append(item)
        }
        return items
    }

    /// Nil for null.
    private static func optionalText(_ json: inout JSONScanner) throws(JSONError) -> String? {
        if try json.peekKind() == .null {
            try json.null()
            return nil
        }
        let string = try json.string()
        return json.text(of: string)
    }
}
