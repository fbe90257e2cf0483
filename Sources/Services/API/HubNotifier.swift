// HubNotifier: the notify role's way to the browsers, over the hub and its backplane.
//
//   notify ─▶ local tabs, at once ─▶ other pods: taken    ─▶ done
//                                        └▶ refused ─▶ NotifierError; when it is tried again, the
//                                                      local tabs are not told a second time
//
// Thread: a worker thread; waits for the backplane.  Allocates: the encoded push.

import Hub
import Loop
import Synchronization
import WS

final class HubNotifier: OrderNotifier {
    private enum Acceptance: Sendable { case pending, taken, refused(BackplaneError) }

    /// Orders remembered for an outage. More than a consumer holds at a time; beyond it, tabs may be
    /// told twice.
    private static let toldCountMax = 10_000

    let hub: HubServer
    /// How long the backplane may take to say that it has the push.
    let timeout: Duration
    private let tracer: Tracer
    /// Orders whose local tabs know already, while other pods cannot be reached.
    private let told = Mutex<Set<CorrelationID>>([])

    init(hub: HubServer, timeout: Duration = .seconds(5), tracer: Tracer = .off) {
        self.hub = hub
        self.tracer = tracer
        self.timeout = timeout
    }

    func notify(_ pushes: [OrderPush]) -> [NotifierError?] {
        let spans = SpanBatch(tracer, pushes) { tracer.beginPush(of: $0.event) }
        let acceptances = pushes.enumerated().map { position, push in
            begin(push, push.event.headers(of: spans[position]))
        }
        // One time-out for all: what the first of them waits for in vain, the others do too.
        let time = SystemTime()
        let deadline = time.monotonicNow.advanced(by: timeout)
        let errors = zip(pushes, acceptances).map { push, acceptance in
            finish(push, acceptance, atMost: max(.zero, time.monotonicNow.duration(to: deadline)))
        }
        spans.end(tracer) { errors[$0]?.reason }
        return errors
    }

    private func begin(_ push: OrderPush, _ headers: [Header]) -> Monitor<Acceptance> {
        if !told.withLock({ $0.contains(push.event.correlation) }) { tellHere(push, headers) }
        let acceptance = Monitor(Acceptance.pending)
        hub.sendToOtherPods(
            to: .user(push.user), target: OrderNotification.target,
            arguments: [OrderNotification.completed(push.event)], headers: headers
        ) { error in
            acceptance.update { $0 = error.map { .refused($0) } ?? .taken }
        }
        return acceptance
    }

    private func finish(
        _ push: OrderPush, _ acceptance: Monitor<Acceptance>, atMost wait: Duration
    ) -> NotifierError? {
        let outcome = acceptance.wait(atMost: wait) { state -> Acceptance? in
            if case .pending = state { nil } else { state }
        }
        if case .taken = outcome {
            _ = told.withLock { $0.remove(push.event.correlation) }
            return nil
        }
        told.withLock { told in
            if told.count >= Self.toldCountMax { told = [] }
            told.insert(push.event.correlation)
        }
        switch outcome {
        case .refused(.unavailable(let reason)): return NotifierError(reason: reason)
        case .refused(.unanswered), .pending, .taken, nil:
            return NotifierError(reason: "the backplane gave no answer in time")
        }
    }

    func notifyHere(_ push: OrderPush) { tellHere(push, []) }

    private func tellHere(_ push: OrderPush, _ headers: [Header]) {
        hub.sendLocally(
            to: .user(push.user), target: OrderNotification.target,
            arguments: [OrderNotification.completed(push.event)], headers: headers)
    }
}
