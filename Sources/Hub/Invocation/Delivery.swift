// Delivery: one invocation on its way to the receivers of one loop.
//
//   first receiver ─▶ SharedBytes made ─▶ queued ─▶ queued ─▶ … ─▶ finish lets go of it
//
// A loop without a receiver, the usual case for a user's message, copies nothing.
//
// Thread: one loop.  Allocates: the payload, at the first receiver.

import Loop

struct Delivery {
    private let invocation: EncodedInvocation
    private let reactor: Reactor
    private var payload: SharedBytes?

    init(invocation: EncodedInvocation, reactor: Reactor) {
        self.invocation = invocation
        self.reactor = reactor
    }

    /// Queues the frame on the connection; the frame is whole, so it may go past the connection's
    /// own object, which takes itself out of the tables before its Close frame.
    mutating func send(to token: EventToken) {
        let payload = payload ?? makePayload()
        reactor.connection(token)?.send(payload)
    }

    /// Must be called once; the queues hold their own references.
    mutating func finish() {
        payload?.release()
        payload = nil
    }

    private mutating func makePayload() -> SharedBytes {
        let made = SharedBytes(copying: invocation.frame(for: .json))
        payload = made
        return made
    }
}
