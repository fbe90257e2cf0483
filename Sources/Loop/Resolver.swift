// Resolver: names to addresses, on a thread of its own.
//
//   loop ── ask ──▶ [questions] ──▶ thread: getaddrinfo ──▶ answer ──▶ (the asker's mailbox)
//
// getaddrinfo may block for many seconds, so no loop calls it. A question whose asker has given up
// in the meantime is skipped: a resolver that has been away does not work off old questions.
//
// Thread: `ask` and `close` from any; the lookup and `answer` on the resolver's own, which is begun
// with the first question and ends by itself.  Allocates: per question.  Source: man 3 getaddrinfo.

final class Resolver: Sendable {
    typealias Lookup =
        @Sendable (_ host: String, _ port: UInt16) -> Result<
            [SocketAddress], DialFailure
        >

    struct Question: Sendable {
        let host: String
        let port: UInt16
        let deadline: MonotonicInstant
        let answer: @Sendable (Result<[SocketAddress], DialFailure>) -> Void
    }

    private struct State {
        var questions: [Question] = []
        var isRunning = false
        var isClosed = false
    }

    private let state = Monitor(State())
    private let lookup: Lookup
    private let time: any TimeSource

    init(time: any TimeSource, lookup: @escaping Lookup) {
        self.time = time
        self.lookup = lookup
    }

    func ask(_ question: Question) {
        let mustStart = state.update { state in
            defer { state.isRunning = true }
            state.questions.append(question)
            return !state.isRunning
        }
        if mustStart { NativeThread(name: "resolver") { self.run() }.detach() }
    }

    /// Drops what is waiting and ends the thread, once its lookup at work has returned.
    func close() {
        state.update { state in
            state.isClosed = true
            state.questions = []
        }
    }

    private func run() {
        while let question = next() {
            if question.deadline < time.monotonicNow { continue }
            question.answer(lookup(question.host, question.port))
        }
    }

    /// Waits for a question; nil once closed.
    private func next() -> Question? {
        state.wait { state -> Question?? in
            if state.isClosed { return .some(nil) }
            return state.questions.isEmpty ? nil : .some(state.questions.removeFirst())
        } ?? nil
    }
}
