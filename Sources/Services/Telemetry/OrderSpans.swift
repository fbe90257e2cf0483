// OrderSpans: the spans of an order on its way through the services.
//
//   POST /api/orders ─┬─ accept (SQL)
//                     └─ send order.accepted ── process order.accepted ─┬─ complete (SQL)
//        ┌──────────────────────────────────────────────────────────────┘
//        └─ send order.processed ── process order.processed ── SignalR send ── SignalR push
//
// Thread: any.  Allocates: only what is recorded.
// Source: OpenTelemetry semantic conventions for messaging and database spans.

import Hub
import WS

extension Tracer {
    /// One order's share in a commit.
    func beginCommit(
        _ operation: StaticString, _ store: any OrderStore, _ correlation: CorrelationID,
        under traceparent: String?
    ) -> TraceSpan? {
        begin(
            .client, under: TraceContext(text: traceparent), operation.description,
            [
                .string("db.system.name", store.systemName),
                .string("db.operation.name", operation),
                .correlation(correlation.description),
            ])
    }

    /// An event on its way to the broker.
    func beginSend(
        _ queue: String, _ bus: any MessageBus, _ correlation: CorrelationID,
        under traceparent: String?
    ) -> TraceSpan? {
        begin(
            .producer, under: TraceContext(text: traceparent), "send \(queue)",
            [
                .string("messaging.system", bus.systemName),
                .string("messaging.operation.type", "send" as StaticString),
                .string("messaging.operation.name", "publish" as StaticString),
                .string("messaging.destination.name", queue),
                .string("messaging.message.conversation_id", correlation.description),
                .correlation(correlation.description),
            ])
    }

    /// The work on one message. The order it is about is added once the body is read.
    func beginProcess(_ delivery: Delivery) -> TraceSpan? {
        begin(
            .consumer, under: TraceContext(text: delivery.headers["traceparent"]),
            "process \(delivery.queue)",
            [
                .string("messaging.operation.type", "process" as StaticString),
                .string("messaging.operation.name", "process" as StaticString),
                .string("messaging.destination.name", delivery.queue),
                .integer("messaging.message.body.size", delivery.body.count),
                .integer("contoso.retry_count", delivery.retryCount),
            ])
    }

    /// The push of a completed order to its owner, on all pods.
    func beginPush(of event: OrderProcessed) -> TraceSpan? {
        guard let parent = event.trace else { return nil }
        return begin(
            .producer, under: parent, "SignalR send",
            [
                .string("messaging.system", "signalr" as StaticString),
                .string("messaging.operation.type", "send" as StaticString),
                .string("messaging.operation.name", "send" as StaticString),
                .string("messaging.destination.name", OrderNotification.target),
                .correlation(event.correlation.description),
            ])
    }
}

extension OrderProcessed {
    /// For the hub's message: where its delivery belongs. None where nothing is recorded, so that
    /// clients see the message they know.
    func headers(of span: TraceSpan?) -> [Header] {
        guard let span else { return [] }
        return [
            Header("traceparent", span.context.text),
            Header("x-correlation-id", correlation.description),
        ]
    }
}

extension TraceContext {
    /// Nil for nil, and for what is no traceparent.
    init?(text: String?) {
        guard let text else { return nil }
        self.init(parsing: text.utf8)
    }
}
