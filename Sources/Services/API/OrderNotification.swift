// OrderNotification: what the hub tells browsers, in the shapes they know.
//
//   push    {"correlationId":{"value":"<guid>"},"status":2,"orderId":123}
//   status  {"status":2,"orderId":123}                 orderId is null until it is known
//
// Thread: pure functions.  Allocates: the JSON.
// Source: the .NET system's order-notification; the correlation id is an object there because its
// type has one member, and clients depend on it.

import Hub

enum OrderNotification {
    /// The one method the hub calls on its clients.
    static let target = "Notification"

    /// The argument of the push that an order is completed.
    static func completed(_ event: OrderProcessed) -> RawValue {
        var writer = JSONWriter(reservingCapacity: 128)
        writer.beginObject()
        writer.key("correlationId")
        writer.beginObject()
        writer.key("value")
        writer.string(event.correlation.description)
        writer.endObject()
        writer.key("status")
        writer.integer(Int64(OrderStatus.completed.rawValue))
        writer.key("orderId")
        writer.integer(event.orderID)
        writer.endObject()
        return .json(RawJSON(writer))
    }

    private struct Push: Decodable {
        struct Correlation: Decodable {
            let value: String
        }
        let correlationId: Correlation
    }

    /// The order that a push is about: its newest status makes older ones worthless.
    @Sendable static func subject(_ target: String, _ arguments: [RawValue]) -> String? {
        guard target == Self.target, let argument = arguments.first,
            let push = try? argument.decode(as: Push.self)
        else { return nil }
        return push.correlationId.value
    }

    /// The answer of `GetCurrentStatus`.
    static func status(_ tracked: TrackedStatus) -> RawValue {
        var writer = JSONWriter(reservingCapacity: 48)
        writer.beginObject()
        writer.key("status")
        writer.integer(Int64(tracked.status.rawValue))
        writer.key("orderId")
        if let orderID = tracked.orderID { writer.integer(orderID) } else { writer.null() }
        writer.endObject()
        return .json(RawJSON(writer))
    }
}
