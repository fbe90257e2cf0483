// NotifyOrder: what the notifier does with order.processed.
//
//   decode ──▶ owner: workflow state, else the order's row ──▶ push to all tabs of the owner
//      └──▶ poison       └──▶ nobody: retry,                  └──▶ backplane away: hold
//                             a foreign producer's order may be on its way
//
// Thread: the worker's.  Allocates: per batch.

import Loop

public struct NotifyOrder: MessageHandler {
    private let store: any OrderStore
    private let state: any WorkflowState
    private let notifier: any OrderNotifier
    private let counters: OrderCounters
    private let log = Log("notify")

    public init(
        store: any OrderStore, state: any WorkflowState, notifier: any OrderNotifier,
        counters: OrderCounters = OrderCounters()
    ) {
        self.store = store
        self.state = state
        self.notifier = notifier
        self.counters = counters
    }

    public var crashPoints: (afterReceive: CrashPoint, afterAck: CrashPoint) {
        (.notifyAfterReceive, .notifyAfterAck)
    }

    public func handle(_ deliveries: [Delivery]) -> [Verdict] { deliveries.map(notify) }

    private func notify(_ delivery: Delivery) -> Verdict {
        let event: OrderProcessed
        do { event = try OrderProcessed(decoding: delivery.body) } catch {
            return .poison(error.reason)
        }
        let user: String?
        do { user = try owner(of: event.correlation) } catch {
            switch error {
            case .unavailable(let reason): return .away(reason)
            case .failed(let reason): return .failed(reason)
            }
        }
        guard let user else {
            return .failed("no user is known for correlation \(event.correlation)")
        }
        CrashPoint.reach(.notifyAfterResolve)
        // A backplane that is away is not the message's fault. Were it to cost a retry, an outage
        // longer than all delays would bury every push of that time.
        do { try notifier.notify(user: user, of: event) } catch { return .away(error.reason) }
        CrashPoint.reach(.notifyAfterBackplane)
        counters.notified.add(1)
        log.info(
            "owner notified",
            [
                .correlation(event.correlation.description),
                .integer("order_id", event.orderID),
            ])
        return .done
    }

    private func owner(of correlation: CorrelationID) throws(StoreError) -> String? {
        do {
            if let owner = try state.owner(correlation) { return owner }
        } catch {
            log.warning("workflow state away", [.reason(error.reason)])
        }
        return try store.orderState(correlation)?.user
    }
}
