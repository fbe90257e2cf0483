// LoopWatch: whether every loop of the server still turns.
//
//   loop-0 answers /health/live:  its own tick is the proof of it ─┐
//                                 loop-1 has not ticked for 30 s ──┴▶ 503, the process is restarted
//
// A loop never blocks; one that does all the same keeps its clients for ever, and no other loop can take
// them over.
//
// Thread: `add` while the loops are set up, `stuckCount` on any.  Allocates: in `add`.

import Loop

public final class LoopWatch: Sendable {
    /// Longer than any machine's hiccup that a restart would only make worse.
    static let patience: Duration = .seconds(30)

    private let pulses = Monitor<[LoopPulse]>([])
    private let time: any TimeSource

    public init(time: any TimeSource = SystemTime()) { self.time = time }

    public func add(_ pulse: LoopPulse) { pulses.update { $0.append(pulse) } }

    /// Loops that have not ticked for longer than the patience.
    var stuckCount: Int {
        let now = time.monotonicNow
        return pulses.withLock { pulses in
            pulses.count { $0.age(at: now) > Self.patience }
        }
    }
}
