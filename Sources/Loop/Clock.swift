// Clock: what time it is, behind a seam that tests and the simulation can replace.
//
// Timers and deadlines use the monotonic clock; stamps that people or tokens carry use the wall
// clock. The two never mix, so a clock that is set back fires no timer twice.
//
// Thread: any.  Allocates: never.  Source: man 2 clock_gettime.

import CLinux

/// A point on the monotonic clock.
public struct MonotonicInstant: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

    /// No clock gets there: the deadline of what has none.
    public static let distantFuture = Self(nanoseconds: .max)

    /// This instant moved by `duration`; stops at the ends of the range.
    public func advanced(by duration: Duration) -> Self {
        let step = duration.nanoseconds
        if step >= 0 { return Self(nanoseconds: nanoseconds &+ UInt64(step)) }
        let back = UInt64(-step)
        return Self(nanoseconds: back > nanoseconds ? 0 : nanoseconds - back)
    }

    /// The same without a `Duration`, whose 128 bits take some 500 instructions.
    public func advanced(by duration: ShortDuration) -> Self {
        Self(nanoseconds: nanoseconds &+ duration.nanoseconds)
    }

    /// The time from this instant to `later`; negative if `later` came first.
    public func duration(to later: Self) -> Duration {
        .nanoseconds(Int64(bitPattern: later.nanoseconds &- nanoseconds))
    }
}

/// A point on the wall clock, in microseconds since 1970-01-01T00:00:00Z.
public struct WallTime: Comparable, Hashable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Whole seconds since the epoch, as JWT's `exp` counts them.
    public var seconds: Int64 { microseconds.floorDivided(by: 1_000_000) }

    public static func < (a: Self, b: Self) -> Bool { a.microseconds < b.microseconds }

    public func advanced(by duration: Duration) -> Self {
        Self(microseconds: microseconds + duration.nanoseconds / 1000)
    }
}

/// Where the program gets its time from.
public protocol TimeSource: Sendable {
    var monotonicNow: MonotonicInstant { get }
    var wallNow: WallTime { get }
}

/// The machine's own clocks.
public struct SystemTime: TimeSource {
    public init() {}
    public var monotonicNow: MonotonicInstant {
        MonotonicInstant(nanoseconds: clinux_monotonic_ns())
    }
    public var wallNow: WallTime { WallTime(microseconds: clinux_wall_us()) }
}

/// A time-out in four bytes, for what every connection keeps: whole milliseconds, rounded up, at most
/// 49 days.
public struct ShortDuration: Sendable {
    private let milliseconds: UInt32

    public init(_ duration: Duration) {
        let (whole, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        milliseconds = UInt32(clamping: rest > 0 ? whole + 1 : whole)
    }

    public var duration: Duration { .milliseconds(milliseconds) }

    public var nanoseconds: UInt64 { UInt64(milliseconds) * 1_000_000 }
}

extension Duration {
    /// The whole duration in nanoseconds; saturates at the ends of `Int64` (292 years).
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        return product + attoseconds / 1_000_000_000
    }

    /// The whole duration in milliseconds, rounded towards zero.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }
}

extension WallTime: CustomStringConvertible {
    /// RFC 3339 in UTC with microseconds: `2026-02-04T10:12:45.123456Z`.
    public var description: String {
        var text = ""
        appendISO8601(to: &text)
        return text
    }

    /// Appends the RFC 3339 form; days are counted by the civil calendar (proleptic Gregorian).
    public func appendISO8601(to text: inout String) {
        let (year, month, day) = civilDate
        let inDay = seconds - seconds.floorDivided(by: 86_400) * 86_400
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let fraction = String(microseconds - seconds * 1_000_000)
        text += "\(year)-\(two(month))-\(two(day))T"
        text += "\(two(inDay / 3600)):\(two(inDay / 60 % 60)):\(two(inDay % 60))."
        text += String(repeating: "0", count: 6 - fraction.utf8.count) + fraction + "Z"
    }

    /// Year, month 1...12 and day 1...31 in UTC.
    public var civilDate: (year: Int64, month: Int64, day: Int64) {
        // The year starts in March here, so that the leap day comes last and needs no special case;
        // 719,468 is the number of days from 0000-03-01 to 1970-01-01.
        let days = seconds.floorDivided(by: 86_400) + 719_468
        let era = days.floorDivided(by: 146_097)
        let dayOfEra = days - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity, as calendars need it before 1970.
    func floorDivided(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
