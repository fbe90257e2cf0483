// MissedNotifications: tells users again what a gap of the backplane may have swallowed.
//
//   backplane whole again ─▶ gap: since, local users ─▶ completed orders of these users ─▶ local push
//                                                             └── store away: pause, then again
//
// Pub/sub keeps nothing, so a pod that was cut off cannot ask Redis what it missed; the orders' rows
// know. A user may be told twice, and clients expect that.
//
// Thread: `add` from any; `step` on one.  Allocates: per gap.

import Loop

public final class MissedNotifications: SteppedRole, Sendable {
    public struct Limits: Sendable {
        /// An order may be completed this long before its push: its event waited in queues. A gap is
        /// taken to begin that much earlier. What waited longer and fell into a gap is not pushed
        /// again; its owner learns of it by asking.
        public var lookBack: Duration = .seconds(300)
        /// Users asked about in one query.
        public var userCountPerQuery = 256
        public init() {}
    }

    private struct Search: Sendable {
        let since: WallTime
        var users: ArraySlice<String>
    }

    private struct State: Sendable {
        var searches: [Search] = []
        var backoff = Backoff()
        var isWoken = false
    }

    private let store: any OrderStore
    private let notifier: any OrderNotifier
    private let limits: Limits
    private let random: any RandomSource
    private let counters: OrderCounters
    private let state = Monitor(State())
    private let log = Log("replay")

    public init(
        store: any OrderStore, notifier: any OrderNotifier, limits: Limits = Limits(),
        random: any RandomSource = SystemRandom(), counters: OrderCounters = OrderCounters()
    ) {
        self.store = store
        self.notifier = notifier
        self.limits = limits
        self.random = random
        self.counters = counters
    }

    /// - Parameters:
    ///   - since: pushes from then on may have been lost.
    ///   - users: those with a connection here.
    public func add(since: WallTime, users: [String]) {
        if users.isEmpty { return }
        log.info("backplane is whole again", [.integer("users", users.count)])
        let search = Search(
            since: since.advanced(by: .zero - limits.lookBack), users: users[...])
        state.update { $0.searches.append(search) }
    }

    public var wake: @Sendable () -> Void { { [state] in state.update { $0.isWoken = true } } }

    public func step(wait: Duration) -> StepOutcome {
        let found = state.wait(atMost: wait) { state -> Search?? in
            state.searches.isEmpty && !state.isWoken ? nil : .some(state.searches.first)
        }
        guard let search = found ?? nil else { return .idle }
        let users = Array(search.users.prefix(limits.userCountPerQuery))
        do throws(StoreError) {
            for order in try store.completedOrders(of: users, since: search.since) {
                let event = OrderProcessed(correlation: order.correlation, orderID: order.id)
                notifier.notifyHere(OrderPush(user: order.user, event: event))
                counters.replayed.add(1)
            }
        } catch {
            let pause = state.withLock { $0.backoff.next(random: random) }
            log.warning("store away", [.reason("\(error)")])
            return .paused(pause)
        }
        state.withLock { state in
            state.backoff.reset()
            state.searches[0].users.removeFirst(users.count)
            if state.searches[0].users.isEmpty { state.searches.removeFirst() }
        }
        return .worked(users.count)
    }
}
