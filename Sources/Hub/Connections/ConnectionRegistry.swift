// ConnectionRegistry: the hub's connections of one loop, by connection id and by slot.
//
//   "id" ─▶ token ─▶ entries[token.index]     what a reply or a delivery finds, or no longer finds
//   activeTokens [ t t t t ]                   dense: "all" walks it in a row
//
// A connection is inserted when its socket opens and activated when its handshake is done: only then
// it receives what is sent to it or to everybody.
//
// Thread: one loop.  Allocates: when a table grows.

import Loop

struct ConnectionRegistry<Member: AnyObject> {
    private struct Entry {
        let token: EventToken
        let connectionID: String
        let member: Member
        /// Where the token stands in `activeTokens`; nil before its activation.
        var position: Int?
    }

    /// By slot index of the loop's connection table.
    private var entries: [Entry?] = []
    private var tokensByID: [String: EventToken] = [:]
    /// Every active connection once, in no order.
    private(set) var activeTokens: [EventToken] = []

    /// Active or not.
    var count: Int { tokensByID.count }

    /// - Parameter id: in use nowhere else.
    mutating func insert(_ member: Member, id: String, token: EventToken) {
        let index = Int(token.index)
        if index >= entries.count {
            entries.append(contentsOf: repeatElement(nil, count: index + 1 - entries.count))
        }
        precondition(entries[index] == nil, "a slot has one connection")
        precondition(tokensByID[id] == nil, "an id has one connection")
        entries[index] = Entry(token: token, connectionID: id, member: member)
        tokensByID[id] = token
    }

    mutating func activate(_ token: EventToken) {
        precondition(entry(token)?.position == nil, "a connection is activated once")
        entries[Int(token.index)]?.position = activeTokens.count
        activeTokens.append(token)
    }

    mutating func remove(_ token: EventToken) {
        guard let entry = entry(token) else { return }
        entries[Int(token.index)] = nil
        tokensByID[entry.connectionID] = nil
        guard let position = entry.position else { return }
        let last = activeTokens.removeLast()
        if last != token {
            activeTokens[position] = last
            entries[Int(last.index)]?.position = position
        }
        assert(activeTokens.count <= tokensByID.count)
    }

    func member(_ token: EventToken) -> Member? { entry(token)?.member }

    func token(ofID id: String) -> EventToken? { tokensByID[id] }

    func activeToken(ofID id: String) -> EventToken? {
        guard let token = tokensByID[id], entry(token)?.position != nil else { return nil }
        return token
    }

    private func entry(_ token: EventToken) -> Entry? {
        let index = Int(token.index)
        guard index < entries.count, let entry = entries[index], entry.token == token else {
            return nil
        }
        return entry
    }
}
