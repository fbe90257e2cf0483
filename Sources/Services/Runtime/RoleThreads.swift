// RoleThreads: which threads this process needs for its roles, started and stopped together.
//
//   accept        accept thread (group commit), relay
//   process       consumer of order.accepted, relay
//   notification  consumer of order.processed, search for what the backplane has lost
//
// Thread: main.

import Loop
import WS

struct RoleThreads {
    private let threads: [RoleThread]

    /// - Parameters:
    ///   - acceptQueue: nil without the accept role.
    ///   - notifier, missed: nil without the notification role.
    ///   - tracer: records what becomes of each order.
    init(
        _ configuration: Configuration, engines: Engines, relay: WakeSignal,
        counters: OrderCounters, acceptQueue: AcceptQueue?, notifier: (any OrderNotifier)?,
        missed: MissedNotifications?, tracer: Tracer
    ) {
        var threads: [RoleThread] = []
        if let acceptQueue { threads.append(RoleThread(name: "accept") { acceptQueue }) }
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
            threads.append(consumer("process", of: engines.queues.accepted, handler))
        }
        if let notifier {
            let handler = NotifyOrder(
                store: engines.store, state: engines.state, notifier: notifier, counters: counters,
                tracer: tracer)
            threads.append(consumer("notify", of: engines.queues.processed, handler))
        }
        if let missed { threads.append(RoleThread(name: "replay") { missed }) }
        if !configuration.roles.isDisjoint(with: [.accept, .process]), !Sabotage.isOn(.relayOff) {
            threads.append(
                RoleThread(name: "relay") {
                    OutboxRelay(
                        store: engines.store, bus: engines.bus, signal: relay, counters: counters,
                        tracer: tracer)
                })
        }
        self.threads = threads
    }

    func start() { for thread in threads { thread.start() } }

    /// Lets every role finish its step, and waits for all.
    func stop() {
        for thread in threads { thread.stop() }
        for thread in threads { thread.join() }
    }
}
