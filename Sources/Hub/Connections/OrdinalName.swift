// OrdinalName: the name of a user or a group as a key, compared byte by byte.
//
// Swift's String holds two spellings of "é" equal. Redis, SQL and .NET do not, and two users whom
// they keep apart must not share a connection table entry here.
//
// Thread: a pure value.  Allocates: never.  Source: .NET StringComparer.Ordinal.

import Glibc

struct OrdinalName: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (a: Self, b: Self) -> Bool {
        var (a, b) = (a.text, b.text)
        return a.withUTF8 { a in
            b.withUTF8 { b in
                a.count == b.count
                    && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
            }
        }
    }

    func hash(into hasher: inout Hasher) {
        var copy = text
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
