// HTTPDate: the 29 bytes of a Date field, made once a second.
//
//   Sun, 06 Nov 1994 08:49:37 GMT
//
// Thread: one loop.  Allocates: once a second.  Source: RFC 9110 §5.6.7 (IMF-fixdate), §6.6.1.

import Loop

/// The current second's Date.
struct HTTPDate {
    private var second: Int64 = .min
    private var text: [UInt8] = []

    /// The text for `time`.
    mutating func bytes(at time: WallTime) -> [UInt8] {
        if time.seconds != second {
            second = time.seconds
            text = Array(Self.format(time).utf8)
        }
        return text
    }

    static func format(_ time: WallTime) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = time.civilDate
        // The epoch, 1970-01-01, was a Thursday; a server's clock never stands before it.
        let sinceEpoch = max(0, time.seconds)
        let inDay = sinceEpoch % 86_400
        return "\(days[Int(sinceEpoch / 86_400 % 7)]), \(two(date.day)) "
            + "\(months[Int(date.month) - 1]) \(date.year) "
            + "\(two(inDay / 3600)):\(two(inDay / 60 % 60)):\(two(inDay % 60)) GMT"
    }
}
