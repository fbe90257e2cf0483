// HubReply: the one answer to one call, given at once or later, from any thread.
//
//             answered inside the method        the connection takes it when the method returns
//   running ─────────────────────────▶ answered ──────────────────────────▶ done
//      │ the method returns
//      ▼          answered, from any thread
//   waiting ──────────────────────────▶ done       through the loop's mailbox
//      │ the last reference is gone
//      └──────────────────────────────▶ done       a failure: no caller waits for ever
//
// Thread: any.  Allocates: one object per call.

import Synchronization

public final class HubReply: Sendable {
    private enum State: Sendable { case running, answered(HubOutcome), waiting, done }

    private let state = Mutex(State.running)
    /// Delivers an answer that comes after the method has returned.
    private let post: @Sendable (HubOutcome) -> Void

    init(post: @escaping @Sendable (HubOutcome) -> Void) { self.post = post }

    /// For the tests of methods: `receive` gets the answer on the thread that gives it.
    public static func sample(receive: @escaping @Sendable (HubOutcome) -> Void) -> HubReply {
        let reply = HubReply(post: receive)
        _ = reply.methodReturned()
        return reply
    }

    deinit {
        if case .waiting = state.withLock({ $0 }) {
            post(.failure(detail: "The method gave no answer."))
        }
    }

    /// The method's value.
    public func result(_ value: RawJSON) { answer(.result(value)) }

    /// The method has no value.
    public func void() { answer(.void) }

    /// An error with a text for the caller.
    public func hubException(_ text: String) { answer(.hubException(text)) }

    /// An error whose text stays here unless detailed errors are on.
    public func failure(_ detail: String? = nil) { answer(.failure(detail: detail)) }

    /// Only the first answer counts.
    public func answer(_ outcome: HubOutcome) {
        let isLate = state.withLock { state -> Bool in
            switch state {
            case .running:
                state = .answered(outcome)
                return false
            case .waiting:
                state = .done
                return true
            case .answered, .done:
                return false
            }
        }
        if isLate { post(outcome) }
    }

    /// Called once, behind the method: its answer if there is one already.
    func methodReturned() -> HubOutcome? {
        state.withLock { state in
            if case .answered(let outcome) = state {
                state = .done
                return outcome
            }
            state = .waiting
            return nil
        }
    }

    /// The call is answered otherwise; what is still said is dropped.
    func discard() { state.withLock { $0 = .done } }
}
