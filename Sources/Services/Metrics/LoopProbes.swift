// LoopProbes: asks every loop what it has counted.
//
//   scrape ── post ──▶ loop 0: copy its counters ──▶ answer
//          └─ post ──▶ loop 1: copy its counters ──▶ answer
//
// The loops count in plain integers, because an atomic one would cost every message what nobody
// reads for seconds. So they are read where they are written, by a message: exact, and for the price
// of one wake-up per loop and scrape.
//
// Thread: `add` on each loop before its first tick; `ask` from any.  Allocates: per scrape.

import Hub
import Loop
import WS

/// What one loop has counted.
struct LoopFigures: Sendable {
    /// Of the loop, from 0.
    var number: Int
    /// Connections it may have at one time.
    var connectionCountMax: Int
    var loop: LoopMetrics
    var http: HTTPCounters
    /// Nil where no hub is served.
    var hub: HubCounters?
}

final class LoopProbes: Sendable {
    /// Called once, on the loop; nil, and on the asking thread, if the loop has ended.
    typealias Answer = @Sendable (LoopFigures?) -> Void

    private let mailboxes = Monitor<[Mailbox<Answer>]>([])

    /// Makes a loop answer.
    func add(_ reactor: Reactor, number: Int, http: HTTPServer, hub: HubLoop?) {
        let mailbox = reactor.makeMailbox(of: Answer.self) { [unowned reactor] answer in
            answer(
                LoopFigures(
                    number: number, connectionCountMax: reactor.limits.connectionCountMax,
                    loop: reactor.metrics, http: http.counters, hub: hub?.counters))
        }
        mailboxes.update { $0.append(mailbox) }
    }

    var count: Int { mailboxes.withLock { $0.count } }

    /// Has every loop call `answer`.
    func ask(_ answer: @escaping Answer) {
        for mailbox in mailboxes.withLock({ $0 }) where !mailbox.post(answer) { answer(nil) }
    }
}
