// UserTable: user id → the user's connections on one loop (several tabs, several devices).
//
// Ids are compared byte by byte, case included. A user without connections takes no memory.
//
// Thread: one loop.  Allocates: one short array per user.

import Loop

struct UserTable {
    private var tokensByUser: [String: [EventToken]] = [:]

    var userCount: Int { tokensByUser.count }

    mutating func insert(_ token: EventToken, user: String) {
        assert(!tokens(of: user).contains(token), "a connection has one user")
        tokensByUser[user, default: []].append(token)
    }

    mutating func remove(_ token: EventToken, user: String) {
        guard var tokens = tokensByUser[user], let position = tokens.firstIndex(of: token) else {
            return
        }
        tokens.swapAt(position, tokens.count - 1)
        tokens.removeLast()
        tokensByUser[user] = tokens.isEmpty ? nil : tokens
    }

    /// The user's connections: one hash of the id, however many there are.
    func tokens(of user: String) -> [EventToken] { tokensByUser[user] ?? [] }
}
