// OrderRequest: the body of POST /api/orders, as far as its form goes.
//
//   bytes ──▶ JSON ──▶ OrderDraft ──▶ AcceptOrder.prepare
//      415, 400 with the byte             400 with one message per member
//
//   {"items":[{"productId":"AZ-700","quantity":1}]}
//
// As .NET binds it: member names in any case, the last of duplicates, unknown members ignored,
// a quantity may be a text. Not as .NET: what cannot be bound is 400, never 500.
//
// Thread: pure functions.  Allocates: the parsed tree.
// Source: RFC 8259; System.Text.Json's web defaults.

import Hub
import WS

/// Why a body is no order, in words that the sender may see.
package struct OrderRequestError: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

package enum OrderRequest {
    package static func parse(_ bytes: [UInt8]) throws(OrderRequestError) -> OrderDraft {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes, depthMax: JSONScanner.depthMaxDefault)
        } catch {
            throw OrderRequestError(error.description)
        }
        guard case .object(let root) = value else { throw OrderRequestError("expected an object") }
        switch root.member(ignoringCase: "items") {
        case nil, .null: return OrderDraft(items: nil)
        case .array(let values):
            var items: [OrderDraft.Item?] = []
            items.reserveCapacity(values.count)
            for (index, value) in values.enumerated() { items.append(try item(value, index)) }
            return OrderDraft(items: items)
        default: throw OrderRequestError("items must be an array")
        }
    }

    private static func item(
        _ value: JSONValue, _ index: Int
    ) throws(OrderRequestError) -> OrderDraft.Item? {
        guard case .object(let object) = value else {
            if value == .null { return nil }
            throw OrderRequestError("items[\(index)] must be an object")
        }
        var item = OrderDraft.Item(productID: nil, quantity: nil)
        switch object.member(ignoringCase: "productid") {
        case nil, .null: break
        case .string(let id): item.productID = id
        default: throw OrderRequestError("items[\(index)].productId must be a string")
        }
        item.quantity = try quantity(object.member(ignoringCase: "quantity"), index)
        return item
    }

    private static func quantity(
        _ value: JSONValue?, _ index: Int
    ) throws(OrderRequestError) -> Int64? {
        switch value {
        case nil, .null: return nil
        case .number(let text), .string(let text):
            if let quantity = Int32(text) { return Int64(quantity) }
        default: break
        }
        throw OrderRequestError("items[\(index)].quantity must be a 32-bit integer")
    }
}
