// HubNotifier: the notify role's way to the browsers, over the hub and its backplane.
//
// Thread: a worker thread; waits for the backplane.  Allocates: the encoded push.

import Hub
import Loop

struct HubNotifier: OrderNotifier {
    private enum Acceptance: Sendable { case pending, taken, refused(BackplaneError) }

    let hub: HubServer
    /// How long the backplane may take to say that it has the push.
    let timeout: Duration

    init(hub: HubServer, timeout: Duration = .seconds(5)) {
        self.hub = hub
        self.timeout = timeout
    }

    func notify(user: String, of event: OrderProcessed) throws(NotifierError) {
        let acceptance = Monitor(Acceptance.pending)
        hub.send(
            to: .user(user), target: OrderNotification.target,
            arguments: [OrderNotification.completed(event)]
        ) { error in
            acceptance.update { $0 = error.map { .refused($0) } ?? .taken }
        }
        let outcome = acceptance.wait(atMost: timeout) { state -> Acceptance? in
            if case .pending = state { nil } else { state }
        }
        switch outcome {
        case .taken: return
        case .refused(.unavailable(let reason)): throw NotifierError(reason: reason)
        case .pending, nil: throw NotifierError(reason: "the backplane gave no answer in time")
        }
    }
}
