// Responder: the one answer to one request, given at once or later, from any thread.
//
//                  respond inside the handler            the loop takes it when the handler returns
//   handlerRunning ──────────────────────────▶ answered ─────────────────────────────▶ done
//        │ the handler returns
//        ▼            respond, from any thread
//     waiting ──────────────────────────────▶ done       posted to the loop's mailbox
//        │ the last copy is gone without an answer
//        └──────────────────────────────────▶ done       a 500 is posted: no client waits for ever
//
// Thread: any.  Allocates: one slot per request.

import Loop
import Synchronization

/// Answers one request. Copies answer the same request.
public struct Responder: Sendable {
    private let slot: ReplySlot

    init(_ slot: ReplySlot) { self.slot = slot }

    /// For the tests of handlers: `receive` gets the answer on the thread that gives it.
    public init(receive: @escaping @Sendable (Response) -> Void) {
        slot = ReplySlot(
            token: EventToken(rawValue: 0), sequence: 0,
            channel: ReplyChannel { receive($0.response) })
        _ = slot.handlerReturned()
    }

    /// Answers. Only the first call counts; later ones are dropped and counted. An answer whose
    /// connection is gone is dropped too.
    public func respond(_ response: Response) { slot.fill(response) }
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

/// The state behind the copies of one responder.
final class ReplySlot: Sendable {
    private enum State { case handlerRunning, answered(Response), waiting, done }

    private let token: EventToken
    private let sequence: UInt64
    private let channel: ReplyChannel
    private let state = Mutex(State.handlerRunning)

    init(token: EventToken, sequence: UInt64, channel: ReplyChannel) {
        self.token = token
        self.sequence = sequence
        self.channel = channel
    }

    deinit {
        if case .waiting = state.withLock({ $0 }) { post(Response(.internalServerError)) }
    }

    func fill(_ response: Response) {
        enum Outcome { case kept, toPost, duplicate }
        let outcome = state.withLock { state -> Outcome in
            switch state {
            case .handlerRunning:
                state = .answered(response)
                return .kept
            case .waiting:
                state = .done
                return .toPost
            case .answered, .done:
                return .duplicate
            }
        }
        switch outcome {
        case .kept: break
        case .toPost: post(response)
        case .duplicate: channel.duplicateCount.add(1, ordering: .relaxed)
        }
    }

    /// Called by the loop right behind the handler: the answer if there is one already; otherwise
    /// it comes through the mailbox.
    func handlerReturned() -> Response? {
        state.withLock { state in
            if case .answered(let response) = state {
                state = .done
                return response
            }
            state = .waiting
            return nil
        }
    }

    private func post(_ response: Response) {
        channel.post(Reply(token: token, sequence: sequence, response: response))
    }
}
