// UserTable: user id → the user's connections on one loop (several tabs, several devices).
//
// A user is a group whose members cannot leave it: the same table serves both.
//
// Thread: one loop.  Allocates: when a table grows.

import Loop

struct UserTable {
    private var connectionsByUser = GroupTable()

    var userCount: Int { connectionsByUser.groupCount }

    mutating func insert(_ token: EventToken, user: String) {
        let isNew = connectionsByUser.join(token, group: user)
        assert(isNew, "a connection has one user")
    }

    mutating func remove(_ token: EventToken) { connectionsByUser.leaveAll(token) }

    /// Calls `body` with each of the user's connections: one hash of the id, however many there are.
    func forEachConnection(of user: String, _ body: (EventToken) -> Void) {
        connectionsByUser.forEachMember(of: user, body)
    }
}
