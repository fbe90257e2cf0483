// MetricsReport+Orders: the families of the hub, the orders and what lies between them.
//
//   accepted ─▶ published ─▶ processed ─▶ published ─▶ sent        with the outbox between, and the
//                    └ failures   └ duplicates            └ replayed    queues' retries, dead letters
//
// Thread: as MetricsReport.  Allocates: the text.

import Hub
import Hub
import Loop

extension MetricsReport {
    func addHub(to text: inout MetricsText) {
        let hubs = loops.compactMap(\.hub)
        if hubs.isEmpty { return }
        func sum(_ value: (HubCounters) -> Int) -> Int { hubs.reduce(0) { $0 + value($1) } }
        text.family(
            .gauge, "signalr_server_active_connections", "Connections of the hub now.",
            by: "signalr_transport",
            HubTransport.allCases.map { transport in
                .init(transport.metricName, sum { $0.openCountByTransport[transport] ?? 0 })
            })
        text.counter(
            "contoso_hub_connections_opened", "Connections of the hub since the start.",
            sum(\.openedCount))
        text.family(
            .counter, "contoso_hub_connections_ended",
            "Connections of the hub that ended, and why.",
            by: "reason",
            HubEnd.Reason.allCases.map { reason in
                .init(reason.rawValue, sum { $0.endedCountByReason[reason] ?? 0 })
            })
        text.family(
            .counter, "contoso_hub_limit_hits", "Clients of the hub that ran into a limit.",
            by: "limit",
            HubLimit.allCases.map { limit in
                .init(limit.rawValue, sum { $0.hitCountByLimit[limit] ?? 0 })
            })
        text.counter(
            "contoso_hub_messages", "Messages with a receiver, once per loop.", sum(\.messageCount))
        text.counter(
            "contoso_hub_deliveries", "Messages queued on connections, once per receiver.",
            sum(\.deliveryCount))
        text.counter(
            "contoso_hub_compressed_messages",
            "Messages compressed for WebSockets that agreed to it, once per loop.",
            sum(\.compressedCount))
        text.counter(
            "contoso_hub_compression_saved_bytes", "Bytes by which they became shorter, each once.",
            sum(\.compressionSavedByteCount))
        guard let drain = sources.drain?.progress else { return }
        text.counter(
            "contoso_drain_closed", "Connections of the hub closed because the process leaves.",
            drain.closedCount)
        text.counter(
            "contoso_drain_cut", "Those of them that had something under way.", drain.cutCount)
    }

    func addOrders(to text: inout MetricsText) {
        let orders = sources.orders
        text.counter(
            "contoso_orders_accepted", "Orders committed by the intake.", orders.accepted.value)
        text.counter(
            "contoso_orders_repeated", "Orders answered from their idempotency key.",
            orders.repeated.value)
        text.counter(
            "contoso_orders_refused", "Orders refused because too many waited for a commit.",
            orders.intakeRefused.value)
        text.counter(
            "contoso_order_commits", "Commits of the intake, each of one order or many.",
            orders.acceptCommits.value)
        text.counter(
            "contoso_events_published", "Events from the outbox that the broker has taken.",
            orders.published.value)
        text.counter(
            "contoso_event_publish_failures", "Attempts to publish that failed.",
            orders.publishFailures.value)
        text.counter(
            "contoso_orders_processed", "Orders completed by the worker.", orders.processed.value)
        text.counter(
            "contoso_order_duplicates", "Events of orders that were completed before.",
            orders.duplicates.value)
        text.counter(
            "contoso_notifications_sent", "Pushes handed to the hub.", orders.notified.value)
        text.counter(
            "contoso_notifications_replayed", "Pushes sent again after a gap of the backplane.",
            orders.replayed.value)
        text.counter(
            "contoso_message_retries", "Messages given back to their queue.", orders.retries.value)
        text.counter(
            "contoso_dead_letters", "Messages given up.", orders.deadLetters.value)
    }

    /// What waits, where, and who was turned away for it.
    func addWaiting(to text: inout MetricsText) {
        if let queue = sources.acceptQueue {
            text.gauge(
                "contoso_orders_waiting", "Orders that wait for a commit.", queue.waitingCount)
        }
        text.gauge(
            "contoso_worker_jobs_waiting", "Requests that wait for a worker.",
            sources.workers.waitingCount)
        text.counter(
            "contoso_worker_jobs_refused", "Requests refused because too many waited for a worker.",
            sources.workers.refusedCount)
        text.counter(
            "contoso_worker_jobs_late", "Requests given up because they waited too long.",
            sources.workers.lateCount)
        guard let stored else { return }
        if let count = stored.outboxCount {
            text.gauge("contoso_outbox_events", "Events that wait to be published.", count)
        }
        text.family(
            .gauge, "contoso_queue_messages",
            "Messages in a queue, those that wait for a retry too.",
            by: "queue", stored.queues.map { .init($0.name, $0.messageCount) })
    }

    func addBackplane(to text: inout MetricsText) {
        guard let backplane = sources.backplane else { return }
        text.counter(
            "contoso_backplane_published", "Messages that Redis has taken, once per channel.",
            backplane.published.value)
        text.counter(
            "contoso_backplane_publish_failures", "Messages that Redis has not confirmed in time.",
            backplane.publishFailed.value)
        text.counter(
            "contoso_backplane_received", "Messages that came, our own among them.",
            backplane.received.value)
        text.counter(
            "contoso_backplane_echoes_dropped", "Our own messages that came back.",
            backplane.echoesDropped.value)
        text.counter(
            "contoso_backplane_malformed_dropped", "Messages that were no envelope.",
            backplane.malformedDropped.value)
        text.counter(
            "contoso_backplane_gaps", "Times messages of other pods may have been lost.",
            backplane.gaps.value)
        text.counter(
            "contoso_backplane_questions_asked", "Questions to clients of other pods.",
            backplane.questionsAsked.value)
        text.counter(
            "contoso_backplane_questions_answered",
            "Those that the client has answered, with a result or an error.",
            backplane.questionsAnswered.value)
        text.counter(
            "contoso_backplane_questions_failed",
            "Those that nobody could answer: no connection, no pod, no Redis.",
            backplane.questionsFailed.value)
        text.counter(
            "contoso_backplane_requests_forwarded",
            "Requests of polling and event-stream clients handed to other pods.",
            backplane.requestsForwarded.value)
    }
}

extension HubTransport {
    /// As OpenTelemetry's conventions for SignalR name it.
    fileprivate var metricName: String {
        switch self {
        case .webSockets: "web_sockets"
        case .serverSentEvents: "server_sent_events"
        case .longPolling: "long_polling"
        }
    }
}
