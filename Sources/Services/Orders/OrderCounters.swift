// OrderCounters: what the roles have done, so that the sums can be checked from outside.
//
//   accepted                 = orders committed by intake
//   processed                = orders completed;   duplicates = their repeated events
//   notified                 = pushes handed to the backplane
//
// Thread: any.  Allocates: never.

import Synchronization

/// Counts since the start of the process; they only grow.
public final class OrderCounters: Sendable {
    public let accepted = Atomic<Int>(0)
    /// Answers from an idempotency key.
    public let repeated = Atomic<Int>(0)
    /// Requests refused because the intake queue was full.
    public let intakeRefused = Atomic<Int>(0)
    /// Requests refused because their user sent too many.
    public let userRefused = Atomic<Int>(0)
    /// Commits of the intake; accepted / commits is the mean batch.
    public let acceptCommits = Atomic<Int>(0)
    public let published = Atomic<Int>(0)
    public let publishFailures = Atomic<Int>(0)
    public let processed = Atomic<Int>(0)
    public let duplicates = Atomic<Int>(0)
    public let notified = Atomic<Int>(0)
    /// Pushed again after a gap of the backplane.
    public let replayed = Atomic<Int>(0)
    public let retries = Atomic<Int>(0)
    public let deadLetters = Atomic<Int>(0)

    public init() {}
}

extension Atomic<Int> {
    func add(_ count: Int) { add(count, ordering: .relaxed) }
    public var value: Int { load(ordering: .relaxed) }
}
