// GapWatch: since when the subscriptions have been without a gap, and what a PONG proves.
//
//             lost: broken, stalled, refused                ping answered that was sent after
//   whole ───────────────────────────────────▶ gap(since) ──────────────────────────────────▶ whole
//     └─ ping answered: whole up to its sending ─┘              everything is subscribed again
//
// Messages tell nothing about wholeness: one that arrives may have others behind it that never do.
// A PING does. It travels on the subscribing connection, in order with the messages, so its PONG says
// that whatever was published before it was sent has arrived, or never will.
//
// Thread: a pure value.  Allocates: a few pings.

import Loop

struct GapWatch {
    private enum State {
        /// Nothing published up to then was lost.
        case whole(upTo: WallTime)
        case gap(since: WallTime)
    }

    private struct Ping {
        let number: UInt64
        let sentAt: WallTime
        let publishSerial: UInt64
        /// All subscriptions were asked for in front of it.
        var closesGap: Bool
    }

    /// What a PONG has proved.
    struct Proof: Equatable {
        /// Echoes of what was published up to here have arrived.
        let publishSerial: UInt64
        /// The gap that has ended, if there was one.
        let endedGap: WallTime?
    }

    private var state: State
    /// On the wire, oldest first.
    private var pings: [Ping] = []
    private var pingCount: UInt64 = 0

    /// Begins with a gap: there is no subscription yet.
    init(at now: WallTime) { state = .gap(since: now) }

    var isWhole: Bool {
        if case .whole = state { true } else { false }
    }

    /// A gap could end, and no ping is on its way that would end it.
    var needsPing: Bool { !isWhole && !pings.contains(where: \.closesGap) }

    /// Messages may be lost from now on.
    mutating func lost() {
        if case .whole(let upTo) = state { state = .gap(since: upTo) }
        for index in pings.indices { pings[index].closesGap = false }
    }

    /// The connection with its pings is gone.
    mutating func disconnected() {
        lost()
        pings = []
    }

    /// - Parameters:
    ///   - publishSerial: of the last PUBLISH that was answered.
    ///   - isComplete: all subscriptions have been asked for.
    /// - Returns: the token to send.
    mutating func ping(at now: WallTime, publishSerial: UInt64, isComplete: Bool) -> String {
        pingCount += 1
        pings.append(
            Ping(
                number: pingCount, sentAt: now, publishSerial: publishSerial,
                closesGap: isComplete))
        return String(pingCount)
    }

    /// Nil for a token that is not on the wire.
    mutating func pong(_ token: String) -> Proof? {
        guard let index = pings.firstIndex(where: { String($0.number) == token }) else {
            return nil
        }
        let ping = pings[index]
        // Answers come in order: the pings before it were answered too.
        pings.removeFirst(index + 1)
        switch state {
        case .whole:
            state = .whole(upTo: ping.sentAt)
            return Proof(publishSerial: ping.publishSerial, endedGap: nil)
        case .gap(let since):
            guard ping.closesGap else {
                return Proof(publishSerial: ping.publishSerial, endedGap: nil)
            }
            state = .whole(upTo: ping.sentAt)
            return Proof(publishSerial: ping.publishSerial, endedGap: since)
        }
    }
}
