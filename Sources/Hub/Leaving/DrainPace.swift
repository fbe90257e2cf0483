// DrainPace: how many connections may be closed by now, so that their clients do not all come back
// in the same moment.
//
//   begin                          end of the busy ones' patience              end
//     ├── idle ones, `rate` per second ──┤── busy ones too, `rate` per second ──┤ all that are left
//
// A busy connection is waited for as long as the pace allows: until those that are left need all the
// time that is left. So nobody is cut before it must be, and even then at the pace.
//
// Thread: a pure value.  Allocates: never.

import Loop

struct DrainPace {
    /// At least so many per second where nobody has said how many: few connections leave at once.
    static let rateMin = 100
    /// Turns not taken for longer than this are lost: a loop that stood still makes no burst.
    private static let burst: Duration = .milliseconds(50)

    private let configuredRate: Int?
    private let end: MonotonicInstant
    private let window: Duration
    private var nextTurn: MonotonicInstant
    /// Connections that were open when their loop began to drain.
    private(set) var count = 0
    /// Those of them that have not ended.
    private(set) var leftCount = 0

    /// - Parameters:
    ///   - rate: per second; nil: as many as let everybody leave within two thirds of the window.
    ///   - window: from now on; zero: everybody leaves at once.
    init(rate: Int?, window: Duration, at now: MonotonicInstant) {
        precondition(rate ?? 1 > 0 && window >= .zero)
        configuredRate = rate
        self.window = window
        end = now.advanced(by: window)
        nextTurn = now
    }

    /// Per second.
    var rate: Int {
        if let configuredRate { return configuredRate }
        let milliseconds = max(1, window.milliseconds * 2 / 3)
        return max(Self.rateMin, (count * 1000 + Int(milliseconds) - 1) / Int(milliseconds))
    }

    /// Whether all of them can leave at this pace before the window ends.
    var isEnough: Bool {
        Int64(leftCount) * 1000 <= Int64(rate) * window.milliseconds
    }

    /// A loop has begun to drain.
    mutating func add(_ connectionCount: Int) {
        count += connectionCount
        leftCount += connectionCount
    }

    /// A connection has ended, by its turn or by itself.
    mutating func ended() { leftCount -= 1 }

    /// The turns that have come, at most `wanted`.
    mutating func take(atMost wanted: Int, at now: MonotonicInstant) -> Int {
        if now >= end { return wanted }
        let interval: Duration = .nanoseconds(1_000_000_000 / Int64(rate))
        nextTurn = max(nextTurn, now.advanced(by: .zero - Self.burst))
        guard nextTurn <= now else { return 0 }
        let come = 1 + Int(nextTurn.duration(to: now).nanoseconds / interval.nanoseconds)
        let taken = min(wanted, come)
        nextTurn = nextTurn.advanced(by: interval * taken)
        return taken
    }

    /// Whether nobody can be waited for any longer.
    func isLate(at now: MonotonicInstant) -> Bool {
        let time = max(.zero, now.duration(to: end))
        return Int64(leftCount) * 1000 >= Int64(rate) * time.milliseconds
    }
}
