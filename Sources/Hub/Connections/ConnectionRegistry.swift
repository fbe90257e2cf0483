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
    /// Two words; nil is none.
    private struct Entry {
        let member: Member
        let generation: UInt32
        /// Where the token stands in `activeTokens`; `inactive` before its activation.
        var position: UInt32

        static var inactive: UInt32 { .max }
    }

    /// By slot index of the loop's connection table.
    private var entries: [Entry?] = []
    /// Slot indices. The ids' text is the member's own, shared.
    private var indicesByID: [String: UInt32] = [:]
    /// Every active connection once, in no order.
    private(set) var activeTokens: [EventToken] = []

    /// Active or not.
    var count: Int { indicesByID.count }

    /// - Parameter id: in use nowhere else.
    mutating func insert(_ member: Member, id: String, token: EventToken) {
        let index = Int(token.index)
        if index >= entries.count {
            entries.append(contentsOf: repeatElement(nil, count: index + 1 - entries.count))
        }
        precondition(entries[index] == nil, "a slot has one connection")
        precondition(indicesByID[id] == nil, "an id has one connection")
        entries[index] = Entry(
            member: member, generation: token.generation, position: Entry.inactive)
        indicesByID[id] = token.index
    }

    mutating func activate(_ token: EventToken) {
        precondition(
            entry(token)?.position == Entry.inactive, "a connection is activated once")
        entries[Int(token.index)]?.position = UInt32(activeTokens.count)
        activeTokens.append(token)
    }

    /// - Parameter id: the one it was inserted with.
    mutating func remove(_ token: EventToken, id: String) {
        guard let entry = entry(token) else { return }
        entries[Int(token.index)] = nil
        indicesByID[id] = nil
        guard entry.position != Entry.inactive else { return }
        let last = activeTokens.removeLast()
        if last != token {
            activeTokens[Int(entry.position)] = last
            entries[Int(last.index)]?.position = entry.position
        }
        assert(activeTokens.count <= indicesByID.count)
    }

    func member(_ token: EventToken) -> Member? { entry(token)?.member }

    func token(ofID id: String) -> EventToken? {
        guard let index = indicesByID[id], let entry = entries[Int(index)] else { return nil }
        return EventToken(index: index, generation: entry.generation)
    }

    func activeToken(ofID id: String) -> EventToken? {
        guard let token = token(ofID: id), entry(token)?.position != Entry.inactive else {
            return nil
        }
        return token
    }

    private func entry(_ token: EventToken) -> Entry? {
        let index = Int(token.index)
        guard index < entries.count, let entry = entries[index],
            entry.generation == token.generation
        else { return nil }
        return entry
    }
}
