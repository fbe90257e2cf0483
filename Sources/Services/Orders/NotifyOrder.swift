// NotifyOrder: what the notifier does with order.processed.
//
//   decode ──▶ owners: workflow state, else the order's row ──▶ push to all tabs of each owner
//      └──▶ poison       └──▶ nobody: retry,                  └──▶ backplane away: hold
//                             a foreign producer's order may be on its way
//
// The messages of a batch share one round trip to the state and one wait for the backplane.
//
// Thread: the worker's.  Allocates: per batch.

import Loop
import WS

public struct NotifyOrder: MessageHandler {
    private let store: any OrderStore
    private let state: any WorkflowState
    private let notifier: any OrderNotifier
    private let counters: OrderCounters
    private let tracer: Tracer
    private let log = Log("notify")

    public init(
        store: any OrderStore, state: any WorkflowState, notifier: any OrderNotifier,
        counters: OrderCounters = OrderCounters(), tracer: Tracer = .off
    ) {
        self.store = store
        self.state = state
        self.notifier = notifier
        self.counters = counters
        self.tracer = tracer
    }

    public var crashPoints: (afterReceive: CrashPoint, afterAck: CrashPoint) {
        (.notifyAfterReceive, .notifyAfterAck)
    }

    public func handle(_ deliveries: [Delivery]) -> [Verdict] {
        var spans = SpanBatch(tracer, deliveries, begin: tracer.beginProcess)
        let verdicts = settle(deliveries, with: notify) {
            (index, delivery) throws(PoisonMessage) -> OrderProcessed in
            var event = try OrderProcessed(decoding: delivery.body)
            event.trace = spans[index]?.context
            spans.add(.correlation(event.correlation.description), to: index)
            return event
        }
        spans.end(tracer) { verdicts[$0].reason }
        return verdicts
    }

    /// One verdict per event, in order.
    private func notify(_ events: [OrderProcessed]) -> [Verdict] {
        if events.isEmpty { return [] }
        var verdicts = Array(repeating: Verdict.done, count: events.count)
        var pushes: [OrderPush] = []
        var places: [Int] = []
        for (place, owner) in owners(of: events).enumerated() {
            switch owner {
            case .user(let user):
                pushes.append(OrderPush(user: user, event: events[place]))
                places.append(place)
            case .unsettled(let verdict): verdicts[place] = verdict
            }
        }
        CrashPoint.reach(.notifyAfterResolve)
        // A backplane that is away is not the message's fault. Were it to cost a retry, an outage
        // longer than all delays would bury every push of that time.
        for (place, error) in zip(places, notifier.notify(pushes)) {
            if let error { verdicts[place] = .away(error.reason) }
        }
        CrashPoint.reach(.notifyAfterBackplane)
        for (place, push) in zip(places, pushes) where verdicts[place] == .done {
            counters.notified.add(1)
            log.info(
                "owner notified",
                [
                    .correlation(push.event.correlation.description),
                    .integer("order_id", push.event.orderID),
                ])
        }
        return verdicts
    }

    private enum Owner {
        case user(String)
        /// Not known, or not now.
        case unsettled(Verdict)
    }

    private func owners(of events: [OrderProcessed]) -> [Owner] {
        var kept = [String?](repeating: nil, count: events.count)
        do { kept = try state.owners(events.map(\.correlation)) } catch {
            log.warning("workflow state away", [.reason(error.reason)])
        }
        // Each question to a store that is away takes until its deadline; one is enough.
        var away: String?
        return zip(events, kept).map { event, user in
            if let user { return .user(user) }
            if let away { return .unsettled(.away(away)) }
            do throws(StoreError) {
                if let user = try store.orderState(event.correlation)?.user { return .user(user) }
                return .unsettled(.failed("no user is known for correlation \(event.correlation)"))
            } catch {
                switch error {
                case .unavailable(let reason):
                    away = reason
                    return .unsettled(.away(reason))
                case .failed(let reason): return .unsettled(.failed(reason))
                }
            }
        }
    }
}
