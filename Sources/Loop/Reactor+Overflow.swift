// Reactor+Overflow: connections that do not take what is sent to them, and memory that is short.
//
//   queue above its rule ─┬─ dropOldest ─▶ room is made, the connection stays
//                         └─ close, coalesce ─▶ overflow ─┬─ little is left ─▶ handler.overflowed
//   budget overdrawn ─▶ shed, the longest queue first ────┘─ much is left ───▶ reset
//
// Only a queue that already holds something comes here: whoever keeps up pays nothing. Handlers are told
// later in the tick, because a broadcast walks tables that their ends would change.
//
// Thread: the loop's.  Allocates: when it sheds.

import CLinux

extension Reactor {
    /// Makes a rule known; done once per kind of connection, at set-up.
    public func add(_ rule: OutboundRule) -> OutboundRule.Number {
        precondition(rule.byteCountMax > limits.outboundByteCountHigh, "last words must have room")
        precondition(rule.byteCountMax <= limits.outboundMemoryByteCountMax)
        precondition(outboundRules.count < Int(UInt8.max))
        outboundRules.append(rule)
        return OutboundRule.Number(rawValue: UInt8(outboundRules.count))
    }

    func apply(_ rule: OutboundRule.Number, to token: EventToken) {
        find(token)?.pointee.rule = rule.rawValue
    }

    // MARK: One connection

    /// Whether a message may be queued on a connection with a rule; makes room where the rule says so.
    ///
    /// Payloads that may be left out keep to the bound strictly. Others find it exceeded only when more
    /// waits already: an answer may be of any length.
    func admits(
        _ byteCount: Int, _ expendability: Expendability, _ slot: UnsafeMutablePointer<Slot>,
        _ index: UInt32
    ) -> Bool {
        // Of one that is about to end nobody waits for news.
        if expendability != .kept, slot.pointee.flags.contains(.overflowed) { return false }
        if slot.pointee.queue.isEmpty { return true }
        let rule = outboundRules[Int(slot.pointee.rule) - 1]
        if expendability == .kept {
            if slot.pointee.queue.byteCount <= rule.byteCountMax { return true }
            if rule.policy == .dropOldest {
                dropOldest(slot, downTo: rule.byteCountMax)
                if slot.pointee.queue.byteCount <= rule.byteCountMax { return true }
            }
            overflow(slot, index)
            return false
        }
        if rule.policy == .coalesce, expendability.hasSubject,
            slot.pointee.flags.contains(.backpressured)
        {
            counters.supersededCount += UInt64(
                pool.drop(about: expendability, from: &slot.pointee.queue, downTo: 0))
        }
        if hasRoom(for: byteCount, slot, rule) { return true }
        offer(slot, index)
        if !isLive(slot) { return false }
        return hasRoom(for: byteCount, slot, rule) || makesRoom(for: byteCount, slot, index, rule)
    }

    /// For a payload that may be left out. While memory is short there is none where output is stuck.
    private func hasRoom(
        for byteCount: Int, _ slot: UnsafeMutablePointer<Slot>, _ rule: OutboundRule
    ) -> Bool {
        if slot.pointee.queue.isEmpty { return true }
        if isShort(slot) { return false }
        return slot.pointee.queue.byteCount + byteCount <= rule.byteCountMax
    }

    private func isShort(_ slot: UnsafeMutablePointer<Slot>) -> Bool {
        account.isOverdrawn && slot.pointee.flags.isSuperset(of: [.backpressured, .wantsWrite])
    }

    /// What was queued in this tick has not been offered to the socket, and says nothing about the peer.
    private func offer(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        // A callback may have the buffer in use that records are gathered in.
        guard cork.owner == nil, !slot.pointee.flags.contains(.wantsWrite) else { return }
        writeQueue(slot, index)
    }

    private func makesRoom(
        for byteCount: Int, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32,
        _ rule: OutboundRule
    ) -> Bool {
        let isShort = isShort(slot)
        if isShort { counters.budgetShedCount += 1 }
        guard rule.policy == .dropOldest else {
            overflow(slot, index)
            return false
        }
        dropOldest(slot, downTo: isShort ? 0 : max(0, rule.byteCountMax - byteCount))
        if slot.pointee.queue.isEmpty
            || slot.pointee.queue.byteCount + byteCount <= rule.byteCountMax
        {
            return true
        }
        // What is left must be kept, or has begun.
        counters.droppedCount += 1
        return false
    }

    private func dropOldest(_ slot: UnsafeMutablePointer<Slot>, downTo byteCountMax: Int) {
        counters.droppedCount += UInt64(
            pool.drop(from: &slot.pointee.queue, downTo: byteCountMax))
    }

    /// Ends a connection that does not keep up. What it has not begun to receive is left out, so that
    /// last words can still reach a client that reads slowly. A client that reads nothing is reset when
    /// these have waited long enough, and one with much before them at once: it would not hear them.
    private func overflow(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let isFirst = !slot.pointee.flags.contains(.overflowed)
        if isFirst {
            counters.slowConsumerCount += 1
            _ = pool.drop(from: &slot.pointee.queue, downTo: 0)
        }
        guard isFirst, slot.pointee.queue.byteCount <= limits.outboundByteCountHigh else {
            return reset(slot, index, .slowConsumer)
        }
        slot.pointee.flags.insert(.overflowed)
        overflowed.append(index)
    }

    func tellOverflowed() {
        guard !overflowed.isEmpty else { return }
        // By position: last words may overflow others.
        var position = 0
        while position < overflowed.count {
            let index = overflowed[position]
            position += 1
            let slot = table.pointer(index)
            // The slot may have been given out again since.
            guard isLive(slot), slot.pointee.flags.contains(.overflowed) else { continue }
            corked(slot, index) { $0.overflowed($1) }
        }
        overflowed.removeAll(keepingCapacity: true)
    }

    // MARK: All of them

    /// The end of the tick: tells the budget, and sheds if it is overdrawn and we hold too much of it.
    func settleOutbound() {
        let held = outboundByteCount
        if account.isClear(held) { return }
        peakOutboundByteCount = max(peakOutboundByteCount, held)
        account.settle(held)
        if account.excess(held) > 0, now >= nextShedding {
            shed()
            account.tell(outboundByteCount)
            // Where nothing more can be shed, looking again in every tick would help nobody.
            nextShedding = now.advanced(by: .milliseconds(10))
        }
    }

    /// By the length of the queues, as that is what a peer has not read; a shared payload's memory comes
    /// back with the last queue that holds it. Connections that we dialed are servers of ours.
    private func shed() {
        var stuck: [(byteCount: Int, index: UInt32)] = []
        for index in 0..<table.usedCount {
            let slot = table.pointer(index)
            guard isLive(slot), slot.pointee.flags.contains(.wantsWrite),
                !slot.pointee.flags.contains(.dialed), !slot.pointee.queue.isEmpty
            else { continue }
            stuck.append((slot.pointee.queue.byteCount, index))
        }
        stuck.sort { $0.byteCount > $1.byteCount }
        for (_, index) in stuck {
            guard account.excess(outboundByteCount) > 0 else { return }
            counters.budgetShedCount += 1
            shed(table.pointer(index), index)
        }
    }

    private func shed(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        if slot.pointee.rule == 0 {
            counters.slowConsumerCount += 1
            reset(slot, index, .slowConsumer)
        } else {
            if outboundRules[Int(slot.pointee.rule) - 1].policy == .dropOldest {
                let before = counters.droppedCount
                dropOldest(slot, downTo: 0)
                if counters.droppedCount > before { return }
            }
            overflow(slot, index)
        }
        if !isLive(slot) {
            // Not at the end of the next tick: the others would be shed meanwhile.
            pool.removeAll(&slot.pointee.queue)
            pool.removeAll(&slot.pointee.ciphertext)
        }
    }

    // MARK: After a burst

    /// A burst worth giving back to the system.
    private static let burstByteCount = 16 * 1024 * 1024

    /// Once a second. The allocator keeps what is freed in small pieces; it is asked to let go of it only
    /// after a burst or a crowd that is over, as that takes some milliseconds.
    func giveBackMemory() {
        pool.shrink()
        let hasBurstEnded =
            peakOutboundByteCount >= Self.burstByteCount
            && outboundByteCount < peakOutboundByteCount / 4
        guard crowd.hasLeft(openCount: table.openCount) || hasBurstEnded else { return }
        peakOutboundByteCount = outboundByteCount
        clinux_trim_memory()
    }
}
