// HubLoop+Drain: the connections of one loop leave one after the other, idle ones first.
//
//   begin ─▶ idle ── its turn ──▶ closed, with leave to reconnect
//              │  ▲
//     a call   ▼  │ the call has ended
//            busy ┴─ no time is left ──▶ closed all the same (cut)
//
// A busy connection is served meanwhile as any other: what its methods answer is sent.
//
// Thread: one loop.  Allocates: once, a row of tokens.

import Loop

/// Who has not had its turn; tokens of connections that ended by themselves stay in it.
struct DrainQueue {
    private var idle: ArraySlice<EventToken>
    private var busy: [EventToken] = []

    init(_ tokens: [EventToken]) { idle = tokens[...] }

    var idleCount: Int { idle.count }
    var busyCount: Int { busy.count }

    /// Asks every busy connection whether it still is.
    mutating func sort(isBusy: (EventToken) -> Bool) {
        let splitPoint = busy.partition { !isBusy($0) }
        if splitPoint == busy.count { return }
        idle += busy[splitPoint...]
        busy.removeSubrange(splitPoint...)
    }

    mutating func nextIdle() -> EventToken? { idle.popFirst() }
    mutating func nextBusy() -> EventToken? { busy.popLast() }
    mutating func putBack(busy token: EventToken) { busy.append(token) }
}

extension HubLoop {
    /// How often turns are taken.
    private static let drainTick: Duration = .milliseconds(16)

    var isDraining: Bool { drainQueue != nil }

    /// Connections that are open, and those whose clients have not fetched our last words: nobody can
    /// come here for them any more, but other pods forward their polls.
    var drainBacklog: Int {
        guard server.backplane.isReachedThroughOthers else { return connectionCount }
        return connectionCount + sessions.unfetchedCount
    }

    /// On the loop, once: nobody leaves before its turn.
    func beginDrain() {
        let tokens = registry.tokens
        drainQueue = DrainQueue(tokens)
        server.drain.begin(tokens.count, at: reactor.now)
        takeTurns()
        reactor.every(Self.drainTick) { [unowned self] in takeTurns() }
    }

    private func takeTurns() {
        guard var queue = drainQueue else { return }
        // Ending a connection may run code of the hub, which may come back to us.
        defer { drainQueue = queue }
        queue.sort { registry.member($0)?.isBusy == true }
        let turns = server.drain.take(
            idle: queue.idleCount, busy: queue.busyCount, at: reactor.now)
        var turnCount = turns.count
        while turnCount > 0, let token = queue.nextIdle() {
            guard let member = registry.member(token) else { continue }
            if member.isBusy {
                queue.putBack(busy: token)
            } else {
                close(member, isCut: false)
                turnCount -= 1
            }
        }
        while turnCount > 0, turns.includeBusy, let token = queue.nextBusy() {
            guard let member = registry.member(token) else { continue }
            close(member, isCut: true)
            turnCount -= 1
        }
    }

    private func close(_ member: HubConnection, isCut: Bool) {
        server.drain.closed(isCut: isCut)
        member.drain()
    }
}
