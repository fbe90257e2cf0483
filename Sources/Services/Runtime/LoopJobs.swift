// LoopJobs: has things made on a loop that runs already.
//
//   main ── make(body) ──▶ the loop: body(reactor) ──▶ a Sendable handle
//
// Thread: made on the loop; `make` from any other thread.
// Allocates: per job.

import Loop

struct LoopJobs: Sendable {
    private struct Job: Sendable {
        let run: @Sendable (Reactor) -> Void
    }

    private let jobs: Mailbox<Job>

    init(on reactor: Reactor) {
        jobs = reactor.makeMailbox(of: Job.self) { [unowned reactor] in $0.run(reactor) }
    }

    /// Runs `body` on the loop and returns what it makes. What it makes beside that must be kept by a
    /// mailbox or a timer of the loop.
    func make<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable (Reactor) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let result = Monitor<Result<Value, Failure>?>(nil)
        jobs.post(
            Job { reactor in
                let outcome = Result { () throws(Failure) in try body(reactor) }
                result.update { $0 = outcome }
            })
        guard let outcome = result.wait({ $0 }) else { preconditionFailure("the loop has ended") }
        return try outcome.get()
    }
}
