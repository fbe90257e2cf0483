// LoopLag: how late a loop is, and what it turns away because of that.
//
//              average > shedsAt              average > refusesAt
//   onTime ────────────────────▶ shedding ────────────────────▶ refusing
//      ◀──── half of shedsAt ────    ◀────── half of refusesAt ────
//
// A loop that listens wakes at least every 50 ms. The time between two ticks beyond that is time in
// which everybody waited: the lag. It is averaged over about a second, because a single stall is over
// when it is seen, and turning clients away would not undo it; and what has been let go of comes back
// only at half the limit, so that the loop does not swing.
//
// Thread: a pure value.  Allocates: never.

/// What a late loop turns away. Connections that are open are never.
public enum LoopPressure: Int, Comparable, Sendable {
    case onTime
    /// Requests that can be repeated later.
    case shedding
    /// These and new connections.
    case refusing

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

struct LoopLag: Sendable {
    /// The longest time between two ticks of a loop that is on time, in nanoseconds.
    static let beat: UInt64 = 50_000_000
    /// The wheel and the poller round a timer up.
    private static let tolerance: UInt64 = 32_000_000
    /// Nanoseconds over which the lag is averaged.
    private static let memory: UInt64 = 1_000_000_000

    private let shedsAt: Double
    private let refusesAt: Double
    /// Nanoseconds.
    private(set) var average: Double = 0
    private(set) var pressure = LoopPressure.onTime
    /// When `observe` is wanted next; until `start` never.
    private var dueAt = UInt64.max

    /// - Parameters:
    ///   - shedsAt, refusesAt: averages at which the loop turns away; zero is never.
    init(shedsAt: Duration, refusesAt: Duration) {
        func nanoseconds(_ duration: Duration) -> Double {
            duration == .zero ? .infinity : Double(duration.nanoseconds)
        }
        self.shedsAt = nanoseconds(shedsAt)
        self.refusesAt = nanoseconds(refusesAt)
    }

    /// From now on the loop wakes at least every `beat`.
    mutating func start(at now: MonotonicInstant) { dueAt = now.nanoseconds + Self.beat }

    /// Whether enough time has passed for another `observe`; for every tick, so it must cost nothing.
    @inline(__always) func isDue(at now: MonotonicInstant) -> Bool { now.nanoseconds >= dueAt }

    /// A tick begins.
    ///
    /// - Parameter before: when the tick in front of it began.
    mutating func observe(at now: MonotonicInstant, since before: MonotonicInstant) {
        let gap = now.nanoseconds &- before.nanoseconds
        let onTime = Self.beat + Self.tolerance
        let lag = gap > onTime ? Double(gap - onTime) : 0
        let elapsed = Double(now.nanoseconds &- dueAt &+ Self.beat)
        average += (lag - average) * elapsed / (elapsed + Double(Self.memory))
        dueAt = now.nanoseconds + Self.beat
        if isAbove(refusesAt, .refusing) {
            pressure = .refusing
        } else {
            pressure = isAbove(shedsAt, .shedding) ? .shedding : .onTime
        }
    }

    /// - Parameter level: what is turned away from `limit` on, and down to half of it.
    private func isAbove(_ limit: Double, _ level: LoopPressure) -> Bool {
        average > (pressure >= level ? limit / 2 : limit)
    }
}
