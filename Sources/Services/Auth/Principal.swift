// Principal: who a valid token or a trusted ingress speaks for, and until when.
//
// Thread: a pure value.

import Loop

public struct Principal: Equatable, Sendable {
    /// The subject, verbatim: not trimmed, not case-folded. Nil where the token names nobody, or
    /// somebody no row could hold; such a caller may look at products and nothing else.
    public var user: String?
    /// A connection opened with the token ends here. Nil where an ingress vouches for the user: it has
    /// not said for how long.
    public var expiresAt: WallTime?

    public init(user: String?, expiresAt: WallTime?) {
        self.user = user
        self.expiresAt = expiresAt
    }
}

extension String {
    /// Whether both name the same user: byte by byte, as SQL and the hub compare. Swift's `==` would
    /// take two spellings of one accented letter for the same name.
    func isSameUser(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
