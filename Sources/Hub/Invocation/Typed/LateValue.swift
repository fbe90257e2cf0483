// LateValue: one value that a callback brings later, for a task that waits no longer than it lives.
//
//             give                          value()
//   empty ───────────────▶ given ─────────────────────▶ empty, the value handed over
//     │ value()
//     ▼        give
//   waiting ─────────────▶ empty, the value handed over
//     │ the task is cancelled
//     └──────────────────▶ empty, nil handed over; a later value is kept for the next one who asks
//
// Thread: any.  Allocates: one object, and the continuation of a wait.

import Synchronization

final class LateValue<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case empty
        case given(Value)
        case waiting(CheckedContinuation<Value?, Never>)
    }

    private let state = Mutex(State.empty)

    /// Called once.
    func give(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            guard case .waiting(let waiter) = state else {
                state = .given(value)
                return nil
            }
            state = .empty
            return waiter
        }
        waiter?.resume(returning: value)
    }

    /// The value, even for a cancelled task if it is there; nil for one that would have to wait. One
    /// task at a time.
    func value() async -> Value? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { take($0) }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
                guard case .waiting(let waiter) = state else { return nil }
                state = .empty
                return waiter
            }
            waiter?.resume(returning: nil)
        }
    }

    private func take(_ waiter: CheckedContinuation<Value?, Never>) {
        let (isOver, value) = state.withLock { state -> (Bool, Value?) in
            switch state {
            case .given(let value):
                state = .empty
                return (true, value)
            // The flag is set before the handler runs: one of the two sees the other.
            case .empty where Task.isCancelled: return (true, nil)
            case .empty:
                state = .waiting(waiter)
                return (false, nil)
            case .waiting: preconditionFailure("a late value has one reader")
            }
        }
        if isOver { waiter.resume(returning: value) }
    }
}
