// SettingValue: the text forms that settings are written in, and what each one means.
//
//   duration   250ms  30s  5m  2h  1d  and .NET's TimeSpan [d.]hh:mm:ss[.fffffff]
//   size       512  512B  64KiB  1MiB  1GiB
//   switch     true false yes no on off 1 0
//   address    HOST:PORT  [::1]:8080  none
//   rate       50/s  600/m  50/s:200 (and so many at once)  0 (no limit)
//
// Thread: pure functions.  Allocates: only in errors.
// Source: .NET standard TimeSpan format "c"; IEC 80000-13 for the binary units.

import Loop

/// Why a text is no value of its kind: how to write it instead, as the end of a sentence.
struct SettingValueError: Error, Equatable {
    let fix: String
    init(_ fix: String) { self.fix = fix }
}

/// Where a listener binds.
public struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// A name or a numeric address, IPv6 without its brackets.
    public var host: String
    /// 0 lets the kernel choose.
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}

enum SettingValue {
    static func integer(_ text: String, in range: ClosedRange<Int>) throws(SettingValueError) -> Int
    {
        guard let value = Int(text), range.contains(value) else {
            throw SettingValueError(
                "write a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    static func boolean(_ text: String) throws(SettingValueError) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw SettingValueError("write true or false")
        }
    }

    /// Zero or more, at most 10,000 days.
    static func duration(_ text: String) throws(SettingValueError) -> Duration {
        if text.contains(":") { return try timeSpan(text) }
        let digits = text.prefix { ("0"..."9").contains($0) }
        let milliseconds: Int64? =
            switch text.dropFirst(digits.count) {
            case "ms": 1
            case "s": 1000
            case "m": 60_000
            case "h": 3_600_000
            case "d": 86_400_000
            default: nil
            }
        guard let milliseconds, let count = Int64(digits),
            case let (total, overflow) = count.multipliedReportingOverflow(by: milliseconds),
            !overflow, total <= 864_000_000_000
        else { throw durationError }
        return .milliseconds(total)
    }

    private static let durationError = SettingValueError(
        "write a duration such as 250ms, 30s, 5m, 2h or 00:30:00")

    /// `[d.]hh:mm:ss[.fffffff]`; the parts are fixed in width, as .NET prints them.
    private static func timeSpan(_ text: String) throws(SettingValueError) -> Duration {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw durationError }
        let head = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let tail = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(head.count), (1...2).contains(tail.count),
            let days = head.count == 2 ? number(head[0], digits: 1...4) : 0,
            let hours = number(head[head.count - 1], digits: 1...2), hours < 24,
            let minutes = number(parts[1], digits: 1...2), minutes < 60,
            let seconds = number(tail[0], digits: 1...2), seconds < 60,
            let fraction = tail.count == 2 ? number(tail[1], digits: 1...7) : 0
        else { throw durationError }
        var ticks = fraction
        for _ in 0..<(tail.count == 2 ? 7 - tail[1].utf8.count : 0) { ticks *= 10 }
        let whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        return .seconds(whole) + .nanoseconds(ticks * 100)
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int64(text)
    }

    /// Nil for `0`: no limit. Without a burst, what the unit allows may come at once.
    static func rate(_ text: String) throws(SettingValueError) -> RateLimit? {
        if text == "0" { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let units: [(suffix: String, duration: Duration)] = [
            ("/s", .seconds(1)), ("/m", .seconds(60)),
        ]
        guard parts.count <= 2, let unit = units.first(where: { parts[0].hasSuffix($0.suffix) }),
            let count = Int(parts[0].dropLast(2)),
            let burst = parts.count == 2 ? Int(parts[1]) : count,
            (1...1_000_000).contains(count), (1...1_000_000).contains(burst)
        else { throw SettingValueError("write a rate such as 50/s, 600/m or 50/s:200, or 0") }
        return RateLimit(count, per: unit.duration, burst: burst)
    }

    /// Bytes.
    static func size(_ text: String, in range: ClosedRange<Int>) throws(SettingValueError) -> Int {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let shift: Int? =
            switch text.dropFirst(digits.count) {
            case "", "B": 0
            case "KiB": 10
            case "MiB": 20
            case "GiB": 30
            default: nil
            }
        guard let shift, let count = Int(digits), count <= Int.max >> shift,
            range.contains(count << shift)
        else {
            throw SettingValueError(
                "write a size such as 512, 64KiB or 1MiB, from \(sizeText(range.lowerBound)) to "
                    + sizeText(range.upperBound))
        }
        return count << shift
    }

    /// The shortest form that `size` reads back as the same number.
    static func sizeText(_ byteCount: Int) -> String {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")]
        where byteCount >= 1 << shift && byteCount & (1 << shift - 1) == 0 {
            return "\(byteCount >> shift)\(unit)"
        }
        return String(byteCount)
    }

    /// Nil for `none`: that listener is switched off.
    static func address(_ text: String) throws(SettingValueError) -> ListenAddress? {
        if text == "none" { return nil }
        let error = SettingValueError("write HOST:PORT such as localhost:8080, or none")
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw error }
        var host = text[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw SettingValueError("write an IPv6 address in brackets, such as [::1]:8080")
        }
        guard !host.isEmpty, !host.contains(where: { $0 == " " || $0 == "/" }) else { throw error }
        return ListenAddress(host: String(host), port: port)
    }

    /// Items between commas, blanks around them cut; no empty ones.
    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { trimmed(String($0)) }.filter { !$0.isEmpty }
    }

    static func trimmed(_ text: String) -> String {
        let isBlank: (Unicode.Scalar) -> Bool = { $0 == " " || (9...13).contains($0.value) }
        var scalars = Substring(text).unicodeScalars
        while let first = scalars.first, isBlank(first) { scalars.removeFirst() }
        while let last = scalars.last, isBlank(last) { scalars.removeLast() }
        return String(scalars)
    }
}
