// HubLoopDirectory: which loops hold whom, so that a message wakes only loops with a receiver.
//
//   .user("ann") ─▶ users["ann"]: 2 on loop 0, 1 on loop 3 ─▶ mailboxes 0 and 3
//   .all         ─▶ every mailbox
//
// A loop enters a connection before its backplane subscription is asked for, and a group's member
// before the group's. So whatever another pod publishes after a subscription finds its loop here.
// A join on its way to a loop counts already: what is sent to the group behind it must get there
// behind it.
//
// Thread: any; behind one lock, which is held for a hash or two and the posts.
// Allocates: per connection, user and group; nothing per message.

import Loop
import Synchronization

/// A set of loops. Loops 64 apart share a bit: one too many is asked, never one too few.
struct LoopSet: Equatable, Sendable {
    private var bits: UInt64 = 0

    static let all: LoopSet = {
        var set = LoopSet()
        set.bits = .max
        return set
    }()

    init() {}

    init(_ loop: Int) { insert(loop) }

    var isEmpty: Bool { bits == 0 }

    mutating func insert(_ loop: Int) { bits |= 1 << UInt64(loop & 63) }

    mutating func formUnion(_ other: LoopSet) { bits |= other.bits }

    func contains(_ loop: Int) -> Bool { bits & 1 << UInt64(loop & 63) != 0 }
}

final class HubLoopDirectory: Sendable {
    /// Where the connections of one user or group are. Nearly always that is one loop, and every
    /// connection has two of these, so the others stand apart.
    private struct Place {
        /// `onMany` if `State.spread` has the counts.
        var loop: Int32
        var count: Int32

        static let onMany: Int32 = -1
    }

    private struct State {
        var mailboxes: [Mailbox<HubLoopMessage>] = []
        var places: [BackplaneScope: Place] = [:]
        /// Connections by loop, of scopes that are on more than one.
        var spread: [BackplaneScope: [Int32: Int32]] = [:]

        mutating func change(_ scope: BackplaneScope, by step: Int32, _ loop: Int32) {
            guard let place = places[scope] else {
                assert(step == 1, "a scope is left as often as it was entered")
                places[scope] = Place(loop: loop, count: step)
                return
            }
            if place.loop == loop {
                let count = place.count + step
                places[scope] = count == 0 ? nil : Place(loop: loop, count: count)
            } else {
                var counts = spread[scope] ?? [place.loop: place.count]
                let count = counts[loop, default: 0] + step
                counts[loop] = count == 0 ? nil : count
                keep(counts, of: scope)
            }
        }

        private mutating func keep(_ counts: [Int32: Int32], of scope: BackplaneScope) {
            if counts.count == 1, let last = counts.first {
                places[scope] = Place(loop: last.key, count: last.value)
                spread[scope] = nil
            } else {
                places[scope] = Place(loop: Place.onMany, count: 0)
                spread[scope] = counts
            }
        }

        func loops(of scope: BackplaneScope) -> LoopSet {
            guard let place = places[scope] else { return LoopSet() }
            if place.loop != Place.onMany { return LoopSet(Int(place.loop)) }
            var loops = LoopSet()
            for loop in spread[scope, default: [:]].keys { loops.insert(Int(loop)) }
            return loops
        }
    }

    private let state = Mutex(State())

    /// - Returns: the loop's number.
    func add(_ mailbox: Mailbox<HubLoopMessage>) -> Int {
        state.withLock { state in
            state.mailboxes.append(mailbox)
            return state.mailboxes.count - 1
        }
    }

    // MARK: Who is where

    /// One more connection of each scope on the loop.
    func enter(_ scopes: [BackplaneScope], loop: Int) { change(scopes, by: 1, loop) }

    /// Enters a scope that one loop only may hold. False, and nothing happens, if one holds it.
    func enterAlone(_ scope: BackplaneScope, loop: Int) -> Bool {
        state.withLock { state in
            if state.places[scope] != nil { return false }
            state.change(scope, by: 1, Int32(loop))
            return true
        }
    }

    /// Takes back one `enter`.
    func leave(_ scopes: [BackplaneScope], loop: Int) { change(scopes, by: -1, loop) }

    /// A request is about to be posted to a loop.
    func announce(_ request: HubCaller.Request, loop: Int) {
        if case .join(let group, _) = request { enter([.group(group)], loop: loop) }
    }

    /// Takes back one `announce`: the loop has done what there was to do.
    func withdraw(_ request: HubCaller.Request, loop: Int) {
        if case .join(let group, _) = request { leave([.group(group)], loop: loop) }
    }

    private func change(_ scopes: [BackplaneScope], by step: Int32, _ loop: Int) {
        state.withLock { state in
            for scope in scopes { state.change(scope, by: step, Int32(loop)) }
        }
    }

    /// Whether a connection, user or group has anybody on this pod.
    func holds(_ scope: BackplaneScope) -> Bool {
        state.withLock { $0.places[scope] != nil }
    }

    /// Everybody with a connection here, in no order.
    var users: [String] {
        state.withLock { state in
            state.places.keys.compactMap { scope in
                if case .user(let id) = scope { id } else { nil }
            }
        }
    }

    // MARK: Messages

    /// Hands an invocation to the loops that hold one of its receivers.
    func deliver(_ invocation: EncodedInvocation, to target: HubTarget) {
        state.withLock { state in
            let loops = Self.loops(of: target, in: state)
            if loops.isEmpty { return }
            for (number, mailbox) in state.mailboxes.enumerated() where loops.contains(number) {
                mailbox.post(.deliver(target, invocation))
            }
        }
    }

    /// Hands a change to the loop of its connection.
    /// - Returns: false if the connection is not here.
    func apply(_ change: GroupChange, done: @escaping @Sendable () -> Void) -> Bool {
        let request: HubCaller.Request =
            change.isJoin
            ? .join(group: change.group, done: done) : .leave(group: change.group, done: done)
        return state.withLock { state in
            let loops = Self.loops(of: .connection(change.connectionID), in: state)
            for (number, mailbox) in state.mailboxes.enumerated() where loops.contains(number) {
                if change.isJoin { state.change(.group(change.group), by: 1, Int32(number)) }
                mailbox.post(.membership(connectionID: change.connectionID, request))
            }
            return !loops.isEmpty
        }
    }

    /// Hands a question to the loop of its client, which answers with nil if it has just gone.
    /// - Returns: false if the client is not here.
    func ask(
        _ question: ClientQuestion, answered: @escaping @Sendable (ClientAnswer?) -> Void
    ) -> Bool {
        post(.ask(question, answered: answered), to: .connection(question.connectionID))
    }

    /// Hands a request to the loop of its connection, which answers with nil if it has just gone.
    /// - Returns: false if the connection is not here.
    func forward(
        _ request: TransportRequest, answered: @escaping @Sendable (TransportAnswer?) -> Void
    ) -> Bool {
        post(.transport(request, answered: answered), to: .transport(request.connectionID))
    }

    /// Hands what a socket has to say to the loop of its session.
    /// - Returns: false if the session is not here.
    func relay(_ event: RelayEvent, of socket: RelayedSocket, to connectionID: String) -> Bool {
        post(.relay(event, socket, connectionID: connectionID), to: .transport(connectionID))
    }

    /// - Parameter scope: of one connection, which is on one loop.
    /// - Returns: false if no loop holds it.
    private func post(_ message: HubLoopMessage, to scope: BackplaneScope) -> Bool {
        state.withLock { state in
            guard let place = state.places[scope], place.loop != Place.onMany else {
                return false
            }
            state.mailboxes[Int(place.loop)].post(message)
            return true
        }
    }

    private static func loops(of target: HubTarget, in state: borrowing State) -> LoopSet {
        func union(_ names: [String], _ scope: (String) -> BackplaneScope) -> LoopSet {
            var union = LoopSet()
            for name in names { union.formUnion(state.loops(of: scope(name))) }
            return union
        }
        switch target {
        case .all, .allExcept: return .all
        case .connection(let id): return state.loops(of: .connection(id))
        case .connections(let ids): return union(ids) { .connection($0) }
        case .group(let name), .groupExcept(let name, _): return state.loops(of: .group(name))
        case .groups(let names): return union(names) { .group($0) }
        case .user(let id): return state.loops(of: .user(id))
        case .users(let ids): return union(ids) { .user($0) }
        }
    }
}
