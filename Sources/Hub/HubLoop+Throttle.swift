// HubLoop+Throttle: clients that send faster than `HubOptions.messageRate` are read no faster.
//
//   message ─▶ bucket empty ─▶ socket paused, POSTs unanswered ─▶ the next token is there ─▶ read on
//
// Nothing is lost and nobody is closed: TCP holds the client back to the rate, so that it costs no more
// than one that keeps it, and would only come back if it were cut.
//
// Thread: one loop.  Allocates: when more clients than ever before wait.

import Loop

/// A connection whose bucket is empty.
struct Throttled {
    let token: EventToken
    let until: MonotonicInstant
}

extension HubLoop {
    /// The wheel's resolution; tokens that have come meanwhile are spent at once.
    private static let throttleInterval: Duration = .milliseconds(16)

    /// Has the connection read on when its token is there.
    func throttle(_ token: EventToken, until instant: MonotonicInstant) {
        count(.messageRate)
        throttled.append(Throttled(token: token, until: instant))
        if throttled.count == 1 { scheduleRelease() }
    }

    private func scheduleRelease() {
        reactor.after(Self.throttleInterval) { [unowned self] in release() }
    }

    private func release() {
        var waiting: [Throttled] = []
        swap(&waiting, &throttled)
        for entry in waiting where entry.until > reactor.now { throttled.append(entry) }
        if !throttled.isEmpty { scheduleRelease() }
        // They may run out of tokens again at once.
        for entry in waiting where entry.until <= reactor.now {
            member(entry.token)?.unthrottle()
        }
    }
}
