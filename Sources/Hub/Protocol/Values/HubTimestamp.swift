// HubTimestamp: a moment, as MessagePack counts it and as JSON writes it.
//
//   2016-05-10T13:51:20.5+12:34        1462843100 s, 500,000,000 ns
//   └─ date ─┘ └─ time ─┘└ offset ┘    in UTC; the offset is not kept
//
// Thread: a pure value.  Allocates: never.
// Source: MessagePack specification, "Timestamp extension type"; ISO 8601 extended format as
// System.Text.Json reads and writes it; days by the civil calendar (proleptic Gregorian).

import Loop

/// Seconds since 1970-01-01T00:00:00Z, rounded down, and the nanoseconds behind them.
public struct HubTimestamp: Hashable, Sendable {
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: UInt32

    static let nanosecondsMax: UInt32 = 999_999_999
    /// 0001-01-01T00:00:00Z and the last second of the year 9999: what has four digits for its year.
    static let writableSeconds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        precondition(nanoseconds <= Self.nanosecondsMax)
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public init(_ time: WallTime) {
        seconds = time.seconds
        nanoseconds = UInt32(time.microseconds - time.seconds * 1_000_000) * 1000
    }

    // MARK: Text

    /// Nil for what System.Text.Json would not read as a date either. Without an offset it is UTC;
    /// digits behind the nanosecond are dropped.
    public init?(_ text: String) {
        var copy = text
        guard let moment = copy.withUTF8({ Self.parse($0) }) else { return nil }
        self = moment
    }

    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> HubTimestamp? {
        var cursor = DateCursor(text: text)
        guard let year = cursor.number(digitCount: 4), year > 0, cursor.take(UInt8(ascii: "-")),
            let month = cursor.number(digitCount: 2), (1...12).contains(month),
            cursor.take(UInt8(ascii: "-")),
            let day = cursor.number(digitCount: 2),
            day >= 1, day <= dayCount(ofMonth: month, year: year)
        else { return nil }
        var seconds = dayNumber(year: year, month: month, day: day) * 86_400
        if cursor.isAtEnd { return HubTimestamp(seconds: seconds) }

        guard cursor.take(UInt8(ascii: "T")),
            let hour = cursor.number(digitCount: 2), hour < 24, cursor.take(UInt8(ascii: ":")),
            let minute = cursor.number(digitCount: 2), minute < 60
        else { return nil }
        seconds += hour * 3600 + minute * 60
        var nanoseconds: UInt32 = 0
        if cursor.take(UInt8(ascii: ":")) {
            guard let second = cursor.number(digitCount: 2), second < 60 else { return nil }
            seconds += second
            if cursor.take(UInt8(ascii: ".")) {
                guard let fraction = cursor.fraction() else { return nil }
                nanoseconds = fraction
            }
        }
        guard let offset = cursor.zone(), cursor.isAtEnd else { return nil }
        return HubTimestamp(seconds: seconds - offset, nanoseconds: nanoseconds)
    }

    /// Appends the text with a Z and as many digits of the fraction as say something.
    /// - Precondition: `seconds` is writable.
    func append(to bytes: inout [UInt8]) {
        precondition(Self.writableSeconds.contains(seconds))
        let (year, month, day) = WallTime(microseconds: seconds * 1_000_000).civilDate
        let inDay = seconds - Self.floor(seconds, 86_400) * 86_400
        Self.append(year, digitCount: 4, UInt8(ascii: "-"), to: &bytes)
        Self.append(month, digitCount: 2, UInt8(ascii: "-"), to: &bytes)
        Self.append(day, digitCount: 2, UInt8(ascii: "T"), to: &bytes)
        Self.append(inDay / 3600, digitCount: 2, UInt8(ascii: ":"), to: &bytes)
        Self.append(inDay / 60 % 60, digitCount: 2, UInt8(ascii: ":"), to: &bytes)
        let hasFraction = nanoseconds > 0
        Self.append(
            inDay % 60, digitCount: 2, UInt8(ascii: hasFraction ? "." : "Z"), to: &bytes)
        if !hasFraction { return }
        var (fraction, digitCount) = (Int64(nanoseconds), 9)
        while fraction % 10 == 0 { (fraction, digitCount) = (fraction / 10, digitCount - 1) }
        Self.append(fraction, digitCount: digitCount, UInt8(ascii: "Z"), to: &bytes)
    }

    private static func append(
        _ value: Int64, digitCount: Int, _ end: UInt8, to bytes: inout [UInt8]
    ) {
        var divisor: Int64 = 1
        for _ in 1..<digitCount { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
        bytes.append(end)
    }

    // MARK: The calendar

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func dayCount(ofMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01, the inverse of `WallTime.civilDate`: years begin in March, eras have 400.
    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = floor(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension HubTimestamp: CustomStringConvertible {
    /// As JSON has it; the seconds alone for what has no date of four digits.
    public var description: String {
        guard Self.writableSeconds.contains(seconds) else { return "\(seconds) s" }
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Reads the parts of a date from left to right.
private struct DateCursor {
    let text: UnsafeBufferPointer<UInt8>
    var offset = 0

    var isAtEnd: Bool { offset == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard offset < text.count, text[offset] == byte else { return false }
        offset += 1
        return true
    }

    mutating func number(digitCount: Int) -> Int64? {
        guard text.count - offset >= digitCount else { return nil }
        var value: Int64 = 0
        for _ in 0..<digitCount {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// One to sixteen digits behind the point, as nanoseconds.
    mutating func fraction() -> UInt32? {
        var (value, digitCount): (UInt32, Int) = (0, 0)
        while let digit = digit() {
            if digitCount < 9 { value = value * 10 + UInt32(digit) }
            digitCount += 1
        }
        guard (1...16).contains(digitCount) else { return nil }
        for _ in min(digitCount, 9)..<9 { value *= 10 }
        return value
    }

    /// Seconds east of UTC: `Z`, `+12:34`, or nothing.
    mutating func zone() -> Int64? {
        if isAtEnd || take(UInt8(ascii: "Z")) { return 0 }
        let isEast = take(UInt8(ascii: "+"))
        guard isEast || take(UInt8(ascii: "-")), let hours = number(digitCount: 2),
            take(UInt8(ascii: ":")), let minutes = number(digitCount: 2), minutes < 60
        else { return nil }
        let seconds = hours * 3600 + minutes * 60
        // .NET's offsets end there.
        guard seconds <= 14 * 3600 else { return nil }
        return isEast ? seconds : -seconds
    }

    private mutating func digit() -> Int64? {
        guard offset < text.count, text[offset] &- UInt8(ascii: "0") < 10 else { return nil }
        offset += 1
        return Int64(text[offset - 1] - UInt8(ascii: "0"))
    }
}
