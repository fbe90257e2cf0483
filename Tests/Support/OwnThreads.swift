// OwnThreads: threads for tests that block on sockets while what they wait for runs in tasks.
//
//   the pool of tasks has as many threads as there are processors; one blocked test each, and no task
//   runs: not even the one that would answer
//
//   @Suite("…", .blocking) ─▶ every step of its tests ─▶ a thread of its own
//
// Thread: any.  Allocates: a thread per step.

import Loop
import Testing

/// Runs each job on a thread of its own.
final class OwnThreads: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        NativeThread(name: "test") { [self] in
            job.runSynchronously(on: asUnownedTaskExecutor())
        }.detach()
    }
}

public struct BlockingTrait: TestTrait, SuiteTrait, TestScoping {
    public let isRecursive = true

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(OwnThreads()) { try await function() }
    }
}

extension Trait where Self == BlockingTrait {
    /// For tests that block while they wait for tasks.
    public static var blocking: Self { Self() }
}
