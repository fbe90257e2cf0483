// SlotRow: one value per connection of a loop, by the index of its token.
//
//   0 … 16,383           sockets [ v v v … ]     a WebSocket's connection has its socket's token
//   2³¹ …                sessions [ v … ]        one that may outlive its socket has a token of its own
//
// Thread: one loop.  Allocates: when a row grows.

import Loop

struct SlotRow<Value> {
    private var sockets: [Value] = []
    private var sessions: [Value] = []
    private let empty: Value

    /// Set in the index of every session's token, and in no socket's.
    static var sessionBit: UInt32 { 1 << 31 }

    /// - Parameter empty: what stands where nothing was put.
    init(empty: Value) { self.empty = empty }

    subscript(index: UInt32) -> Value {
        get {
            let place = Int(index & ~Self.sessionBit)
            if index & Self.sessionBit == 0 {
                return place < sockets.count ? sockets[place] : empty
            }
            return place < sessions.count ? sessions[place] : empty
        }
        _modify {
            let place = Int(index & ~Self.sessionBit)
            if index & Self.sessionBit == 0 {
                if place >= sockets.count { Self.grow(&sockets, to: place + 1, empty) }
                yield &sockets[place]
            } else {
                if place >= sessions.count { Self.grow(&sessions, to: place + 1, empty) }
                yield &sessions[place]
            }
        }
    }

    private static func grow(_ row: inout [Value], to count: Int, _ empty: Value) {
        row.append(contentsOf: repeatElement(empty, count: count - row.count))
    }
}

extension EventToken {
    /// Names a session, not a socket.
    var isSession: Bool { index & SlotRow<Void>.sessionBit != 0 }
}

/// The tokens of the sessions of one loop.
struct SessionTokens {
    /// Of the next token of each place.
    private var generations: [UInt32] = []
    private var free: [UInt32] = []

    mutating func make() -> EventToken {
        let place = free.popLast() ?? UInt32(generations.count)
        if Int(place) == generations.count { generations.append(1) }
        return EventToken(
            index: place | SlotRow<Void>.sessionBit, generation: generations[Int(place)])
    }

    mutating func release(_ token: EventToken) {
        let place = token.index & ~SlotRow<Void>.sessionBit
        // 0 stands for no connection in the tables.
        generations[Int(place)] = max(1, generations[Int(place)] &+ 1)
        free.append(place)
    }
}
