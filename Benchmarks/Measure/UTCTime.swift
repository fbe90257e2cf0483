// UTCTime: a moment as the files of a run write it.
//
// Thread: a pure value.  Allocates: the text.  Source: RFC 3339 §5.6, man 3 gmtime_r.

import Glibc

public struct UTCTime: Equatable, Sendable {
    public let secondsSince1970: Int

    public init(secondsSince1970: Int) { self.secondsSince1970 = secondsSince1970 }

    public static var now: UTCTime { UTCTime(secondsSince1970: time(nil)) }

    /// RFC 3339: "2026-11-21T09:05:00Z".
    public var text: String { format("%Y-%m-%dT%H:%M:%SZ") }

    /// "Sat Nov 21 09:05:00 UTC 2026", as a histogram log writes it. In the C locale, which a
    /// process has until it asks for another one.
    var dateText: String { format("%a %b %d %H:%M:%S UTC %Y") }

    private func format(_ pattern: String) -> String {
        var seconds = time_t(secondsSince1970)
        var fields = tm()
        gmtime_r(&seconds, &fields)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, pattern, &fields)
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
