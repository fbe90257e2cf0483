// OrderEvents: what travels between the services.
//
//   order.accepted   {"CorrelationId":{"Value":"<guid>"},"Order":{"CustomerId":"…","Items":[
//                      {"ProductId":"AZ-700","Quantity":1}]}}
//   order.processed  {"CorrelationId":{"Value":"<guid>"},"OrderId":123}
//
// Thread: pure values.

import WS

/// The event that starts the work on an order.
public struct OrderAccepted: Equatable, Sendable {
    public var correlation: CorrelationID
    public var user: String
    public var lines: [AcceptRequest.Line]
    public var traceparent: String?

    public init(
        correlation: CorrelationID, user: String, lines: [AcceptRequest.Line],
        traceparent: String? = nil
    ) {
        self.correlation = correlation
        self.user = user
        self.lines = lines
        self.traceparent = traceparent
    }
}

/// The event that says an order is completed.
public struct OrderProcessed: Equatable, Sendable {
    public var correlation: CorrelationID
    /// At least 1.
    public var orderID: Int64
    /// The span of the work on it; nil where none is recorded. Never on the wire.
    public var trace: TraceContext?

    public init(correlation: CorrelationID, orderID: Int64) {
        self.correlation = correlation
        self.orderID = orderID
    }
}

/// Which queue carries which event.
public struct QueueNames: Equatable, Sendable {
    public var accepted = "order.accepted"
    public var processed = "order.processed"
    public init() {}
}
