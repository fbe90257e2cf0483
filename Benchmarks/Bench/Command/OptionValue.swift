// OptionValue: the text of one flag's value, turned into what it means.
//
//   500ms 3s 1m ─▶ Duration      200/s, 30/m, 200 ─▶ per second      10% 0.1 ─▶ share
//
// Thread: pure functions.  Allocates: the error's text.

import Loop

struct OptionValue {
    /// With its dashes, for errors.
    let flag: String
    let text: String

    func wants(_ what: String) -> UsageError {
        UsageError(description: "\(flag) wants \(what), not \"\(text)\"")
    }

    func count(_ range: ClosedRange<Int>) throws(UsageError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw wants("a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>() throws(UsageError) -> Choice {
        guard let choice = Choice(rawValue: text) else {
            throw wants(Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    func duration() throws(UsageError) -> Duration {
        for (suffix, nanoseconds) in [("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)]
        where text.hasSuffix(suffix) {
            if let number = Double(text.dropLast(suffix.count)), number > 0, number < 1e6 {
                return .nanoseconds(Int64(number * nanoseconds))
            }
        }
        throw wants("a time such as 500ms, 3s or 1m")
    }

    /// Per second, above zero.
    func rate() throws(UsageError) -> Double {
        var number = text[...]
        var seconds = 1.0
        for (suffix, unit) in [("/s", 1.0), ("/m", 60.0)] where text.hasSuffix(suffix) {
            number = text.dropLast(2)
            seconds = unit
        }
        guard let rate = Double(number), rate > 0, rate <= 1e7 else {
            throw wants("a rate such as 200/s, 200 or 30/m")
        }
        return rate / seconds
    }

    /// From 0 to 1.
    func share() throws(UsageError) -> Double {
        let isPercent = text.hasSuffix("%")
        guard let number = Double(isPercent ? text.dropLast() : text[...]) else {
            throw wants("a share such as 10% or 0.1")
        }
        let share = isPercent ? number / 100 : number
        guard (0...1).contains(share) else { throw wants("a share from 0% to 100%") }
        return share
    }

    /// HOST:PORT, with brackets around an IPv6 address.
    func address() throws(UsageError) -> (host: String, port: UInt16) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), port > 0, colon > text.startIndex
        else { throw wants("HOST:PORT") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host, port)
    }
}
