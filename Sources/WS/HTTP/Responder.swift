// Responder: the one answer to one request, given at once or later, from any thread.
//
//   respond inside the handler ─▶ the loop takes it when the handler returns
//   respond later, any thread  ─▶ the loop's mailbox
//   never                      ─▶ 500 once the last copy is gone: no client waits for ever
//
// Thread: any.  Allocates: one slot per request.

import Loop
import Synchronization

/// Answers one request. Copies answer the same request.
public struct Responder: Sendable {
    private let slot: ReplySlot
    private let watch: PeerWatch?

    /// - Parameter watch: nil where the route does not watch its peers.
    init(_ slot: ReplySlot, watch: PeerWatch? = nil) {
        self.slot = slot
        self.watch = watch
    }

    /// For the tests of handlers: `receive` gets the answer on the thread that gives it.
    public init(receive: @escaping @Sendable (Response) -> Void) {
        slot = ReplySlot(
            token: EventToken(rawValue: 0), sequence: 0,
            channel: ReplyChannel { receive($0.response) })
        watch = PeerWatch()
        _ = slot.handlerReturned()
    }

    /// Answers. Only the first call counts; later ones are dropped and counted. An answer whose
    /// connection is gone is dropped too.
    public func respond(_ response: Response) { slot.fill(response) }

    /// For a route that was added with `watchesPeer`: has `handler` called, at most once, when the
    /// peer has closed its side before there was an answer.
    public func onPeerGone(_ handler: @escaping @Sendable () -> Void) {
        guard let watch else { preconditionFailure("the route does not watch its peers") }
        watch.arm(handler)
    }
}

/// An answer on its way to the loop.
struct Reply: Sendable {
    let token: EventToken
    /// Of the request on its connection: a late second answer must not reach the next request.
    let sequence: UInt64
    let response: Response
}

/// The way into one loop, shared by all its responders.
final class ReplyChannel: Sendable {
    let post: @Sendable (Reply) -> Void
    /// Answers after the first one.
    let duplicateCount = Atomic<Int>(0)

    init(post: @escaping @Sendable (Reply) -> Void) { self.post = post }
}

/// What the copies of one responder share.
struct ReplySlot: Sendable {
    private let reply: OneShot<Response>
    private let channel: ReplyChannel

    init(token: EventToken, sequence: UInt64, channel: ReplyChannel) {
        self.channel = channel
        reply = OneShot(abandoned: Response(.internalServerError)) { response in
            channel.post(Reply(token: token, sequence: sequence, response: response))
        }
    }

    func fill(_ response: Response) {
        if !reply.give(response) { channel.duplicateCount.add(1, ordering: .relaxed) }
    }

    /// Called by the loop right behind the handler: the answer if there is one already; otherwise
    /// it comes through the mailbox.
    func handlerReturned() -> Response? { reply.callReturned() }
}
