// SubscriptionTable: which channels this pod needs, and what the pub/sub server has confirmed.
//
//               acquire                flush: SUBSCRIBE            confirmed
//   (nothing) ──────────▶ wanted ────────────────────▶ subscribing ─────────▶ subscribed
//       ▲                   ▲  │ last release               │ connection lost     │ last release,
//       │                   │  ▼                            ▼                     ▼ flush: UNSUBSCRIBE
//       │                   │ (nothing)                   wanted           unsubscribing
//       │                   │ confirmed, acquired again meanwhile                 │
//       │                   └─────────────────────────────────────────────────────┤
//       └───────────────── confirmed, still nobody ───────────────────────────────┘
//
// A channel has one command under way at most, so a quick leave and join cannot cross each other:
// what is needed when the confirmation comes decides what is sent next. Changes are collected until
// `flush`; a leave and a join between two flushes send nothing at all. After a reconnect everything
// is wanted at once, so `flush` gives out no more than may be under way.
//
// Every connection has two channels for as long as it lives, so what is kept for a confirmed one is
// its key and eight bytes; who waits stands elsewhere, as nobody does for long.
//
// Thread: one loop.  Allocates: per channel and per waiter.

struct SubscriptionTable<Channel: Hashable, Waiter> {
    private enum Phase: UInt8 { case wanted, subscribing, subscribed, unsubscribing }

    private struct Entry {
        var phase = Phase.wanted
        /// Local members. May be 0 only while a command is under way or waits for the next flush.
        var references: UInt32 = 0
    }

    /// One call of `acquire`, told when all its channels are subscribed.
    private struct Wait {
        var missingCount: Int
        let waiter: Waiter
    }

    struct Commands: Equatable {
        var subscribe: [Channel] = []
        var unsubscribe: [Channel] = []
        var isEmpty: Bool { subscribe.isEmpty && unsubscribe.isEmpty }
    }

    private var entries: [Channel: Entry] = [:]
    private var waits: [Int: Wait] = [:]
    /// Keys of `waits` by the channel that is missing.
    private var waitsByChannel: [Channel: [Int]] = [:]
    private var waitCount = 0
    /// Channels whose next command may be due. The last one is the first to be sent: somebody waits
    /// for it, while a whole pod's channels that come back after an outage keep nobody waiting.
    private var touched: [Channel] = []
    /// Commands without a confirmation.
    private(set) var underWayCount = 0
    private var isConnected = false

    /// Channels with a local member or a command under way.
    var channelCount: Int { entries.count }

    /// Something is left for `flush`.
    var hasChanges: Bool { !touched.isEmpty }

    func isSubscribed(_ channel: Channel) -> Bool {
        entries[channel]?.phase == .subscribed
    }

    // MARK: Local membership

    /// Adds a reference to each channel.
    /// - Returns: false if `waiter` need not wait: all are subscribed, or there is no connection.
    mutating func acquire(_ channels: [Channel], waiter: Waiter) -> Bool {
        waitCount += 1
        var missingCount = 0
        for channel in channels {
            var entry = entries[channel] ?? Entry()
            if isConnected, entry.references == 0 { touched.append(channel) }
            entry.references += 1
            if isConnected, entry.phase != .subscribed {
                waitsByChannel[channel, default: []].append(waitCount)
                missingCount += 1
            }
            entries[channel] = entry
        }
        if missingCount == 0 { return false }
        waits[waitCount] = Wait(missingCount: missingCount, waiter: waiter)
        return true
    }

    /// Takes a reference from each channel, which must have one.
    /// - Returns: waiters who wait for nothing any more.
    mutating func release(_ channels: [Channel]) -> [Waiter] {
        var done: [Waiter] = []
        for channel in channels {
            guard var entry = entries[channel], entry.references > 0 else {
                preconditionFailure("a channel is released as often as it was acquired")
            }
            entry.references -= 1
            if entry.references > 0 {
                entries[channel] = entry
                continue
            }
            done += finishWaits(for: channel)
            entries[channel] = entry.phase == .wanted ? nil : entry
            if entry.phase == .subscribed { touched.append(channel) }
        }
        return done
    }

    // MARK: The connection

    /// Everything is to be subscribed.
    mutating func connected() {
        assert(!isConnected && waits.isEmpty)
        isConnected = true
        touched = Array(entries.keys)
    }

    /// Nothing is subscribed any more.
    /// - Returns: all waiters: there is nothing to wait for.
    mutating func disconnected() -> [Waiter] {
        isConnected = false
        underWayCount = 0
        touched = []
        entries = entries.compactMapValues { entry in
            entry.references == 0 ? nil : Entry(references: entry.references)
        }
        return stopWaiting()
    }

    /// The server has refused a command, and does not say which: what is not confirmed is not
    /// subscribed. The next flush tries again.
    /// - Returns: all waiters.
    mutating func refused() -> [Waiter] {
        for (channel, entry) in entries where entry.phase == .subscribing {
            underWayCount -= 1
            entries[channel] = entry.references == 0 ? nil : Entry(references: entry.references)
            if entry.references > 0 { touched.append(channel) }
        }
        return stopWaiting()
    }

    /// The server does not answer; who waits has waited long enough.
    /// - Returns: all waiters. The channels are subscribed nevertheless, when the answer comes.
    mutating func stopWaiting() -> [Waiter] {
        defer {
            waits = [:]
            waitsByChannel = [:]
        }
        return waits.values.map(\.waiter)
    }

    /// What has to be sent now.
    ///
    /// - Parameter underWayMax: commands that may be without a confirmation; the rest stays for the
    ///   next flush.
    mutating func flush(underWayMax: Int) -> Commands {
        var commands = Commands()
        while isConnected, underWayCount < underWayMax, let channel = touched.popLast() {
            guard let entry = entries[channel] else { continue }
            switch entry.phase {
            case .wanted where entry.references > 0:
                entries[channel]?.phase = .subscribing
                commands.subscribe.append(channel)
                underWayCount += 1
            case .subscribed where entry.references == 0:
                entries[channel]?.phase = .unsubscribing
                commands.unsubscribe.append(channel)
                underWayCount += 1
            case .wanted, .subscribed, .subscribing, .unsubscribing: break
            }
        }
        return commands
    }

    /// The server has confirmed a SUBSCRIBE.
    /// - Returns: waiters whose channels are all subscribed now.
    mutating func subscribed(_ channel: Channel) -> [Waiter] {
        guard var entry = entries[channel], entry.phase == .subscribing else { return [] }
        underWayCount -= 1
        entry.phase = .subscribed
        entries[channel] = entry
        if entry.references == 0 { touched.append(channel) }
        return finishWaits(for: channel)
    }

    /// The server has confirmed an UNSUBSCRIBE.
    mutating func unsubscribed(_ channel: Channel) {
        guard var entry = entries[channel], entry.phase == .unsubscribing else { return }
        underWayCount -= 1
        if entry.references == 0 {
            entries[channel] = nil
            return
        }
        entry.phase = .wanted
        entries[channel] = entry
        touched.append(channel)
    }

    private mutating func finishWaits(for channel: Channel) -> [Waiter] {
        guard let keys = waitsByChannel.removeValue(forKey: channel) else { return [] }
        return keys.compactMap { key in
            guard var wait = waits[key] else { return nil }
            wait.missingCount -= 1
            waits[key] = wait.missingCount == 0 ? nil : wait
            return wait.missingCount == 0 ? wait.waiter : nil
        }
    }
}
