// OneShot: the one answer to one call, given inside the call or later from any thread.
//
//            given inside the call            the caller takes it when the call returns
//   running ───────────────────────▶ given ────────────────────────────▶ done
//      │ the call returns, or postpones
//      ▼        given, from any thread
//   waiting ───────────────────────▶ done      delivered
//      │ the last reference is gone
//      └───────────────────────────▶ done      the stand-in is delivered: nobody waits for ever
//
// Thread: any.  Allocates: one object per call.

import Synchronization

/// When a value came, seen from the call that wanted it.
private enum GivenWhen { case inside, late, again }

public final class OneShot<Value: Sendable>: Sendable {
    private enum State: Sendable { case running, given(Value), waiting, done }

    private let state = Mutex(State.running)
    private let abandoned: Value
    private let deliver: @Sendable (Value) -> Void

    /// - Parameters:
    ///   - abandoned: delivered if nobody gives anything.
    ///   - deliver: called at most once, on the thread that gives a value after the call's return.
    public init(abandoned: Value, deliver: @escaping @Sendable (Value) -> Void) {
        self.abandoned = abandoned
        self.deliver = deliver
    }

    deinit {
        if case .waiting = state.withLock({ $0 }) { deliver(abandoned) }
    }

    /// Gives the value. False, and nothing happens, if there was one before.
    @discardableResult public func give(_ value: Value) -> Bool {
        let outcome = state.withLock { state -> GivenWhen in
            switch state {
            case .running:
                state = .given(value)
                return .inside
            case .waiting:
                state = .done
                return .late
            case .given, .done:
                return .again
            }
        }
        if outcome == .late { deliver(value) }
        return outcome != .again
    }

    /// Called once, right behind the call: the value if there is one already; else it is delivered.
    public func callReturned() -> Value? {
        state.withLock { state in
            switch state {
            case .given(let value):
                state = .done
                return value
            case .running:
                state = .waiting
                return nil
            case .waiting, .done: return nil
            }
        }
    }

    /// Has the value delivered in any case, even if it is given before the call returns.
    public func postpone() {
        state.withLock { state in
            if case .running = state { state = .waiting }
        }
    }

    /// The call is answered otherwise; what is still given is dropped.
    public func discard() { state.withLock { $0 = .done } }
}
