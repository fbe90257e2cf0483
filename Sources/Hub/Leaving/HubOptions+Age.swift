// HubOptions+Age: how old a connection may get.
//
//   opened ──────────── 0.9 … 1.1 of the age ──▶ its next ping ─┬─ idle: closed
//                                                                └─ busy: its next ping again, for
//                                                                   another quarter of the age
//
// A fleet that has grown would serve its old clients on its old pods for ever. The age has a jitter,
// so that what has come together does not leave together.
//
// Thread: pure functions.  Allocates: never; a connection has its instant in itself and no timer.

import Loop

extension HubOptions {
    /// When a connection that is opened now is old enough; `distantFuture` where no age is set.
    func retirement(
        ofConnectionAt now: MonotonicInstant, random: any RandomSource
    ) -> MonotonicInstant {
        guard let age = connectionAgeMax else { return .distantFuture }
        let spread = age / 5
        let share = random.below(UInt64(spread.milliseconds) + 1)
        return now.advanced(by: age - spread / 2 + .milliseconds(Int64(share)))
    }

    /// How much longer a busy connection is kept.
    var retirementPatience: Duration { connectionAgeMax.map { $0 / 4 } ?? .zero }
}
