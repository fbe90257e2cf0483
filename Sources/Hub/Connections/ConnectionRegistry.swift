// ConnectionRegistry: the hub's connections of one loop, by connection id and by slot.
//
//   "id" ─▶ token ─▶ entries[token.index]     what a reply or a delivery finds, or no longer finds
//   activeTokens [ t t t t ]                   dense: "all" walks it in a row
//   directProtocols[token.index]               of a WebSocket that frames may be sent to directly
//   deflateWindows[token.index]                of one whose client inflates; no row if none does
//
// A connection is inserted when its socket opens and activated when its handshake is done: only then
// it receives what is sent to it or to everybody.
//
// Thread: one loop.  Allocates: when a table grows.

import Loop
import WS

struct ConnectionRegistry<Member: AnyObject> {
    /// Two words; nil is none.
    private struct Entry {
        let member: Member
        let generation: UInt32
        /// Where the token stands in `activeTokens`; `inactive` before its activation.
        var position: UInt32

        static var inactive: UInt32 { .max }
    }

    private var entries = SlotRow<Entry?>(empty: nil)
    /// A byte each, apart from the entries: a delivery reads it for every receiver.
    private var directProtocols = SlotRow<HubProtocol?>(empty: nil)
    private var deflateWindows = SlotRow<DeflateWindow?>(empty: nil)
    /// Active connections that are no WebSockets with JSON, or may be sent it compressed.
    private var exceptionCount = 0
    /// Slot indices. The ids' text is the member's own, shared.
    private var indicesByID: [String: UInt32] = [:]
    /// Every active connection once, in no order.
    private(set) var activeTokens: [EventToken] = []

    /// Active or not.
    var count: Int { indicesByID.count }

    /// - Parameter id: in use nowhere else.
    mutating func insert(_ member: Member, id: String, token: EventToken) {
        precondition(entries[token.index] == nil, "a slot has one connection")
        precondition(indicesByID[id] == nil, "an id has one connection")
        entries[token.index] = Entry(
            member: member, generation: token.generation, position: Entry.inactive)
        indicesByID[id] = token.index
    }

    /// - Parameters:
    ///   - directProtocol: for a WebSocket whose frames need not pass its connection's object.
    ///   - deflateWindow: for one whose client inflates.
    mutating func activate(
        _ token: EventToken, directProtocol: HubProtocol? = nil,
        deflateWindow: DeflateWindow? = nil
    ) {
        directProtocols[token.index] = directProtocol
        if let deflateWindow { deflateWindows[token.index] = deflateWindow }
        if isException(token) { exceptionCount += 1 }
        precondition(
            entry(token)?.position == Entry.inactive, "a connection is activated once")
        entries[token.index]?.position = UInt32(activeTokens.count)
        activeTokens.append(token)
    }

    /// - Parameter id: the one it was inserted with.
    mutating func remove(_ token: EventToken, id: String) {
        guard let entry = entry(token) else { return }
        entries[token.index] = nil
        indicesByID[id] = nil
        guard entry.position != Entry.inactive else { return }
        if isException(token) { exceptionCount -= 1 }
        if deflateWindows[token.index] != nil { deflateWindows[token.index] = nil }
        let last = activeTokens.removeLast()
        if last != token {
            activeTokens[Int(entry.position)] = last
            entries[last.index]?.position = entry.position
        }
        assert(activeTokens.count <= indicesByID.count)
    }

    func member(_ token: EventToken) -> Member? { entry(token)?.member }

    /// Everybody, active or not, once and in no order.
    var tokens: [EventToken] {
        indicesByID.values.compactMap { index in
            entries[index].map { EventToken(index: index, generation: $0.generation) }
        }
    }

    /// Whether plain frames in JSON may be sent directly to everybody, which is the usual case.
    var isUniform: Bool { exceptionCount == 0 }

    /// Of an active connection; nil if what is sent to it must pass its object.
    func directProtocol(_ token: EventToken) -> HubProtocol? { directProtocols[token.index] }

    /// Of an active connection whose client inflates.
    func deflateWindow(_ token: EventToken) -> DeflateWindow? { deflateWindows[token.index] }

    private func isException(_ token: EventToken) -> Bool {
        directProtocols[token.index] != .json || deflateWindows[token.index] != nil
    }

    func token(ofID id: String) -> EventToken? {
        guard let index = indicesByID[id], let entry = entries[index] else { return nil }
        return EventToken(index: index, generation: entry.generation)
    }

    func activeToken(ofID id: String) -> EventToken? {
        guard let token = token(ofID: id), entry(token)?.position != Entry.inactive else {
            return nil
        }
        return token
    }

    private func entry(_ token: EventToken) -> Entry? {
        guard let entry = entries[token.index], entry.generation == token.generation else {
            return nil
        }
        return entry
    }
}
