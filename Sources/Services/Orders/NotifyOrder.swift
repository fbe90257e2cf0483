// NotifyOrder: what the notifier does with order.processed.
//
//   decode ──▶ owner: workflow state, else the order's row ──▶ push to all tabs of the owner
//      └──▶ poison       └──▶ nobody: retry, it may be a foreign producer's order on its way
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

    /// A store that goes away in the middle brings back the whole batch, and those that were told
    /// before are told twice: clients drop repeats by correlation id.
    public func handle(_ deliveries: [Delivery]) throws(StoreError) -> [Verdict] {
        var verdicts: [Verdict] = []
        for delivery in deliveries { verdicts.append(try notify(delivery)) }
        return verdicts
    }

    private func notify(_ delivery: Delivery) throws(StoreError) -> Verdict {
        let event: OrderProcessed
        do { event = try OrderProcessed(decoding: delivery.body) } catch {
            return .poison(error.reason)
        }
        guard let user = try owner(of: event.correlation) else {
            return .failed("no user is known for correlation \(event.correlation)")
        }
        CrashPoint.reach(.notifyAfterResolve)
        do { try notifier.notify(user: user, of: event) } catch {
            return .failed(error.reason)
        }
        CrashPoint.reach(.notifyAfterBackplane)
        counters.notified.add(1)
        return .done
    }

    private func owner(of correlation: CorrelationID) throws(StoreError) -> String? {
        do {
            if let owner = try state.owner(correlation) { return owner }
        } catch {
            log.warning("workflow state away", [.reason(error.reason)])
        }
        do { return try store.orderState(correlation)?.user } catch {
            if case .unavailable = error { throw error }
            return nil
        }
    }
}
