// RoleThreads: which threads this process needs for its roles, started and stopped together.
//
//   accept        accept thread (group commit), relay
//   process       consumer of order.accepted, relay
//   notification  consumer of order.processed, search for what the backplane has lost
//
//   park ─▶ the consumers end        stop ─▶ all others, the relay last
//
// Thread: main.

import Loop
import WS

struct RoleThreads {
    /// They take messages from queues that others serve as well.
    private let consumers: [RoleThread]
    private let others: [RoleThread]
    /// Publishes what the others have committed.
    private let relay: RoleThread?

    /// - Parameters:
    ///   - acceptQueue: nil without the accept role.
    ///   - notifier, missed: nil without the notification role.
    ///   - tracer: records what becomes of each order.
    init(
        _ configuration: Configuration, engines: Engines, relay: WakeSignal,
        counters: OrderCounters, acceptQueue: AcceptQueue?, notifier: (any OrderNotifier)?,
        missed: MissedNotifications?, tracer: Tracer
    ) {
        var consumers: [RoleThread] = []
        var others: [RoleThread] = []
        if let acceptQueue { others.append(RoleThread(name: "accept") { acceptQueue }) }
        var limits = QueueWorker.Limits()
        limits.retryPolicy = RetryPolicy(retryCountMax: configuration.processingRetryCountMax)
        func consumer(_ name: String, of queue: String, _ handler: any MessageHandler) -> RoleThread
        {
            RoleThread(name: name) { [limits] in
                QueueWorker(
                    bus: engines.bus, queue: queue, handler: handler, limits: limits,
                    counters: counters)
            }
        }
        if configuration.roles.contains(.process) {
            let handler = ProcessOrder(
                store: engines.store, state: engines.state, relay: relay, counters: counters,
                tracer: tracer)
            consumers.append(consumer("process", of: engines.queues.accepted, handler))
        }
        if let notifier {
            let handler = NotifyOrder(
                store: engines.store, state: engines.state, notifier: notifier, counters: counters,
                tracer: tracer)
            consumers.append(consumer("notify", of: engines.queues.processed, handler))
        }
        if let missed { others.append(RoleThread(name: "replay") { missed }) }
        let hasOutbox = !configuration.roles.isDisjoint(with: [.accept, .process])
        self.relay =
            hasOutbox && !Sabotage.isOn(.relayOff)
            ? RoleThread(name: "relay") {
                OutboxRelay(
                    store: engines.store, bus: engines.bus, signal: relay, counters: counters,
                    tracer: tracer)
            } : nil
        self.consumers = consumers
        self.others = others
    }

    func start() {
        for thread in consumers + others { thread.start() }
        relay?.start()
    }

    /// Lets the consumers finish and acknowledge what they have in hand, and give the rest back;
    /// returns at once.
    func park() { for thread in consumers { thread.stop() } }

    /// Lets every role finish what it has in hand, and waits for all.
    func stop() {
        park()
        for thread in others { thread.stop() }
        for thread in consumers + others { thread.join() }
        relay?.stop()
        relay?.join()
    }
}
