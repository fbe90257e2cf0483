// RabbitReply: what a worker thread waits for, and the loop gives.
//
//   waiting ─ give ─▶ given
//      └─ the wait is over ─▶ abandoned: what is given later reaches nobody
//
// Thread: `wait` on one worker thread, the rest on any.  Allocates: once per call.

import Loop

final class RabbitReply<Value: Sendable>: Sendable {
    private enum State: Sendable { case waiting, given(Result<Value, BusError>), abandoned }
    private let state = Monitor(State.waiting)

    /// The first answer counts.
    func give(_ result: Result<Value, BusError>) {
        state.update { state in
            if case .waiting = state { state = .given(result) }
        }
    }

    func fail(_ reason: String) { give(.failure(BusError(reason: reason))) }

    /// False once it is answered or nobody waits any more.
    var isAwaited: Bool {
        state.withLock { state in
            if case .waiting = state { return true }
            return false
        }
    }

    /// Nil after `timeout`.
    func wait(atMost timeout: Duration) -> Result<Value, BusError>? {
        let result = state.wait(atMost: timeout) { state -> Result<Value, BusError>? in
            if case .given(let result) = state { return result }
            return nil
        }
        if let result { return result }
        return state.withLock { state in
            if case .given(let result) = state { return result }
            state = .abandoned
            return nil
        }
    }
}
