// HubReply: the one answer to one call, given at once or later, from any thread.
//
//   answered inside the method ─▶ the connection takes it when the method returns
//   answered later, any thread ─▶ the loop's mailbox
//   never                      ─▶ a failure once the last copy is gone: no caller waits for ever
//
// Thread: any.  Allocates: one object per call.

import Loop

public struct HubReply: Sendable {
    private let reply: OneShot<HubOutcome>

    /// - Parameter post: delivers an answer that comes after the method has returned.
    init(post: @escaping @Sendable (HubOutcome) -> Void) {
        reply = OneShot(
            abandoned: .failure(detail: "The method gave no answer."), deliver: post)
    }

    /// For the tests of methods: `receive` gets the answer on the thread that gives it.
    public static func sample(receive: @escaping @Sendable (HubOutcome) -> Void) -> HubReply {
        let reply = HubReply(post: receive)
        _ = reply.methodReturned()
        return reply
    }

    /// The method's value.
    public func result(_ value: RawValue) { answer(.result(value)) }

    /// The method has no value.
    public func void() { answer(.void) }

    /// An error with a text for the caller.
    public func hubException(_ text: String) { answer(.hubException(text)) }

    /// An error whose text stays here unless detailed errors are on.
    public func failure(_ detail: String? = nil) { answer(.failure(detail: detail)) }

    /// Has the answer posted in any case. One that another thread gives before the method has
    /// returned would else overtake what that thread has sent to the caller before.
    func postpone() { reply.postpone() }

    /// Only the first answer counts.
    public func answer(_ outcome: HubOutcome) { reply.give(outcome) }

    /// Called once, behind the method: its answer if there is one already.
    func methodReturned() -> HubOutcome? { reply.callReturned() }

    /// The call is answered otherwise; what is still said is dropped.
    func discard() { reply.discard() }
}
