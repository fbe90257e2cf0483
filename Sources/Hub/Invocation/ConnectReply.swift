// ConnectReply: what the hub says to one new connection, at once or later, from any thread.
//
//   decided inside onConnected ─▶ the connection takes it when that returns
//   decided later, any thread  ─▶ the loop's mailbox
//   never                      ─▶ refused once the last copy is gone
//
// Thread: any.  Allocates: one object per connection, while it connects.

import Loop

public struct ConnectReply: Sendable {
    private let reply: OneShot<ConnectDecision>

    /// - Parameter post: delivers a decision that comes after `onConnected` has returned.
    init(post: @escaping @Sendable (ConnectDecision) -> Void) {
        reply = OneShot(abandoned: .fail, deliver: post)
    }

    /// For the tests of hubs: `receive` gets the decision on the thread that makes it.
    public static func sample(
        receive: @escaping @Sendable (ConnectDecision) -> Void
    ) -> ConnectReply {
        let reply = ConnectReply(post: receive)
        _ = reply.hubReturned()
        return reply
    }

    /// Has the decision posted in any case, behind what its thread has sent before.
    func postpone() { reply.postpone() }

    /// Only the first decision counts.
    public func decide(_ decision: ConnectDecision) { reply.give(decision) }

    /// Called once, behind `onConnected`: its decision if there is one already.
    func hubReturned() -> ConnectDecision? { reply.callReturned() }
}
