// ProcessOrder: what the worker does with order.accepted.
//
//   decode ──▶ PROCESSING ──▶ COMPLETED + outbox row, one commit ──▶ state COMPLETED|id ──▶ wake relay
//      └──▶ poison                   └──▶ unknown products: poison
//
// Thread: the worker's.  Allocates: per batch.

import Loop
import WS

public struct ProcessOrder: MessageHandler {
    private let store: any OrderStore
    private let state: any WorkflowState
    private let relay: WakeSignal
    private let clock: any TimeSource
    private let counters: OrderCounters
    private let tracer: Tracer
    private let log = Log("process")

    /// - Parameter relay: woken when order.processed stands in the outbox.
    public init(
        store: any OrderStore, state: any WorkflowState, relay: WakeSignal,
        clock: any TimeSource = SystemTime(), counters: OrderCounters = OrderCounters(),
        tracer: Tracer = .off
    ) {
        self.store = store
        self.state = state
        self.relay = relay
        self.clock = clock
        self.counters = counters
        self.tracer = tracer
    }

    public var crashPoints: (afterReceive: CrashPoint, afterAck: CrashPoint) {
        (.processAfterReceive, .processAfterAck)
    }

    public func handle(_ deliveries: [Delivery]) -> [Verdict] {
        var spans = SpanBatch(tracer, deliveries, begin: tracer.beginProcess)
        let verdicts = settle(deliveries, with: process) {
            (index, delivery) throws(PoisonMessage) -> OrderAccepted in
            let received = delivery.headers["traceparent"]
            let event = try OrderAccepted(
                decoding: delivery.body, traceparent: spans.traceparent(index, else: received))
            spans.add(.correlation(event.correlation.description), to: index)
            return event
        }
        spans.end(tracer) { verdicts[$0].reason }
        return verdicts
    }

    private func process(_ events: [OrderAccepted]) -> [Verdict] {
        if events.isEmpty { return [] }
        advance(events.map { ($0.correlation, WorkflowStatus(status: .processing, orderID: nil)) })
        do { try store.beginProcessing(events.map(\.correlation)) } catch {
            // PROCESSING is news, not a condition: only a store that is away stops the work.
            if case .unavailable(let reason) = error { return away(events, reason) }
        }
        do { return try complete(events) } catch {
            switch error {
            case .unavailable(let reason): return away(events, reason)
            case .failed(let reason) where events.count == 1: return [.failed(reason)]
            case .failed:
                // One of them breaks the commit of all; alone, only that one fails.
                return events.flatMap { process([$0]) }
            }
        }
    }

    private func away(_ events: [OrderAccepted], _ reason: String) -> [Verdict] {
        events.map { _ in .away(reason) }
    }

    private func complete(_ events: [OrderAccepted]) throws(StoreError) -> [Verdict] {
        let spans = SpanBatch(tracer, events) { event in
            tracer.beginCommit("complete", store, event.correlation, under: event.traceparent)
        }
        let outcomes: [ProcessOutcome]
        do { outcomes = try store.complete(events, at: clock.wallNow) } catch {
            spans.end(tracer, error: error.reason)
            throw error
        }
        spans.end(tracer)
        precondition(outcomes.count == events.count)
        CrashPoint.reach(.processAfterCommit)
        relay.wake()
        var changes: [(CorrelationID, WorkflowStatus)] = []
        var verdicts: [Verdict] = []
        for (event, outcome) in zip(events, outcomes) {
            switch outcome {
            case .completed(let orderID):
                counters.processed.add(1)
                log.info(
                    "order completed",
                    [
                        .correlation(event.correlation.description),
                        .integer("order_id", orderID),
                    ])
            case .repeated: counters.duplicates.add(1)
            case .unknownProducts(let ids):
                verdicts.append(.poison("unknown products: \(ids.joined(separator: ", "))"))
                continue
            }
            changes.append(
                (event.correlation, WorkflowStatus(status: .completed, orderID: outcome.orderID)))
            verdicts.append(.done)
        }
        advance(changes)
        return verdicts
    }

    /// Best effort: readers fall back to the store.
    private func advance(_ changes: [(correlation: CorrelationID, status: WorkflowStatus)]) {
        if changes.isEmpty { return }
        do { try state.advance(changes) } catch {
            log.warning("workflow state away", [.reason(error.reason)])
        }
    }
}
