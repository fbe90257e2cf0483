// UserTable: user id → the user's connections on one loop (several tabs, several devices).
//
//   heads  "ann" ─▶ 7
//   tabs[7] ⇄ tabs[2] ⇄ tabs[9] ⇄ (7)         a ring through the loop's slots: a user with one tab,
//                                              the usual case, costs one entry and no list
//
// Thread: one loop.  Allocates: when a table grows.

import Loop

struct UserTable {
    /// What a slot's connection is to its user; by slot index.
    private struct Tab {
        /// Of the connection's token; 0 for a slot without one.
        var generation: UInt32 = 0
        var next: UInt32 = 0
        var previous: UInt32 = 0
    }

    /// One of each user's connections.
    private var heads: [OrdinalName: UInt32] = [:]
    private var tabs = SlotRow(empty: Tab())

    var userCount: Int { heads.count }

    /// - Parameter token: in the table of no user.
    mutating func insert(_ token: EventToken, user: String) {
        precondition(tabs[token.index].generation == 0, "a connection has one user")
        let head = heads[OrdinalName(user)]
        let next = head ?? token.index
        let previous = head.map { tabs[$0].previous } ?? token.index
        tabs[token.index] = Tab(generation: token.generation, next: next, previous: previous)
        tabs[previous].next = token.index
        tabs[next].previous = token.index
        if head == nil { heads[OrdinalName(user)] = token.index }
    }

    /// - Parameter user: the one it was inserted with.
    mutating func remove(_ token: EventToken, user: String) {
        let tab = tabs[token.index]
        guard tab.generation == token.generation else { return }
        tabs[token.index] = Tab()
        if tab.next == token.index {
            heads[OrdinalName(user)] = nil
            return
        }
        tabs[tab.previous].next = tab.next
        tabs[tab.next].previous = tab.previous
        heads[OrdinalName(user)] = tab.next
    }

    /// Calls `body` with each of the user's connections: one hash of the id, however many there are.
    func forEachConnection(of user: String, _ body: (EventToken) -> Void) {
        guard let head = heads[OrdinalName(user)] else { return }
        var index = head
        repeat {
            let tab = tabs[index]
            body(EventToken(index: index, generation: tab.generation))
            index = tab.next
        } while index != head
    }
}
