// Reactor+Send: from a handler's bytes to the socket.
//
//   in a callback:  send ─▶ cork ───────────────────────▶ one send(2) at the end of the callback
//   elsewhere:      send ─▶ queue ─▶ dirty list ─▶ one sendmsg(2) in the flush phase
//                     │       ▲                         │ socket full: EPOLLOUT
//                     │       └──────── rest ◀──────────┘
//                     └─ shared, nothing waits, nothing else is about to be sent: one send(2) at once
//
// A broadcast that comes alone goes out while its receivers are walked: nothing is queued, and the
// first of them does not wait for the last. Of several in one tick each connection gets all in one
// system call, which matters more when there are many (docs/DECISIONS/0015).
//
// With TLS the plaintext is encrypted just before it is sent, at most as much as the socket takes:
// what waits, waits as plaintext, but for the one record the socket took in part.
//
// Thread: the loop's.  Allocates: only for what the socket does not take at once.

import CLinux
import Glibc

/// What the connection at work has sent during its callback.
struct Cork {
    static let byteCountMax = 64 * 1024
    /// Shared payloads up to this size are copied into the cork; a longer one is worth a segment.
    static let copiedByteCountMax = 1024
    let base = malloc(byteCountMax)!
    var byteCount = 0
    /// Slot index of the connection at work; nil outside callbacks.
    var owner: UInt32?

    func free() { Glibc.free(base) }
}

extension Reactor {
    // MARK: Entry points

    func send(_ bytes: UnsafeRawBufferPointer, to token: EventToken) {
        guard let slot = writable(token), bytes.count > 0 else { return }
        if corkTakes(bytes, slot, token.index) { return }
        guard makeRoom(for: bytes.count, .kept, slot, token.index) else { return }
        pool.append(bytes, to: &slot.pointee.queue)
        queued(slot, token.index)
    }

    /// A message in two parts, which are sent both or not at all.
    func send(
        _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, to token: EventToken
    ) {
        guard let slot = writable(token) else { return }
        let byteCount = head.count + body.count
        if corkHasRoom(for: byteCount, slot, token.index) {
            putIntoCork(head)
            return putIntoCork(body)
        }
        guard makeRoom(for: byteCount, .kept, slot, token.index) else { return }
        pool.append(head, to: &slot.pointee.queue)
        pool.append(body, to: &slot.pointee.queue)
        queued(slot, token.index)
    }

    /// A whole control frame: no bound holds it up, and where something waits it goes first.
    func send(control frame: UnsafeRawBufferPointer, to token: EventToken) {
        guard let slot = writable(token), frame.count > 0 else { return }
        if corkTakes(frame, slot, token.index) { return }
        queueCork(slot, token.index)
        pool.insert(control: frame, into: &slot.pointee.queue)
        queued(slot, token.index)
    }

    /// Queues one more reference to a payload, or sends it at once; nothing happens if the connection
    /// is gone.
    public func send(_ payload: SharedBytes, to token: EventToken) {
        guard let slot = writable(token), payload.bytes.count > 0 else { return }
        if sendsAtOnce, cork.owner == nil, slot.pointee.queue.isEmpty,
            slot.pointee.ciphertext.isEmpty,
            slot.pointee.flags.isDisjoint(with: [.dirty, .wantsWrite]),
            payload.bytes.count <= limits.writeByteCountPerTick
        {
            return sendAtOnce(payload, slot, token.index)
        }
        if payload.bytes.count <= Cork.copiedByteCountMax,
            corkTakes(payload.bytes, slot, token.index)
        {
            return
        }
        let byteCount = payload.bytes.count
        guard makeRoom(for: byteCount, payload.expendability, slot, token.index) else { return }
        pool.append(payload, to: &slot.pointee.queue)
        queued(slot, token.index)
    }

    private func sendAtOnce(
        _ payload: SharedBytes, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) {
        let taken =
            slot.pointee.tls == nil
            ? transmit(payload.bytes, slot, index) : transmitEncrypted(payload.bytes, slot, index)
        guard isLive(slot), taken < payload.bytes.count else { return }
        pool.append(payload, from: taken, to: &slot.pointee.queue)
        waitForRest(slot, index)
    }

    /// False if the bytes must be queued: they come from outside the connection's callback, or
    /// something is queued that goes first, or they do not fit.
    private func corkTakes(
        _ bytes: UnsafeRawBufferPointer, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Bool {
        guard corkHasRoom(for: bytes.count, slot, index) else { return false }
        putIntoCork(bytes)
        return true
    }

    private func corkHasRoom(
        for byteCount: Int, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Bool {
        cork.owner == index && slot.pointee.queue.isEmpty && slot.pointee.ciphertext.isEmpty
            && cork.byteCount + byteCount <= Cork.byteCountMax
    }

    private func putIntoCork(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        (cork.base + cork.byteCount).copyMemory(from: base, byteCount: bytes.count)
        cork.byteCount += bytes.count
    }

    private func writable(_ token: EventToken) -> UnsafeMutablePointer<Slot>? {
        guard let slot = find(token) else { return nil }
        return slot.pointee.flags.isDisjoint(with: [.closing, .handshaking]) ? slot : nil
    }

    /// Keeps the order (corked bytes go first) and the bound: a connection that already has more
    /// than the limit waiting is cut. One message larger than the limit passes on an empty queue.
    private func makeRoom(
        for byteCount: Int, _ expendability: Expendability,
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Bool {
        queueCork(slot, index)
        if slot.pointee.rule != 0 { return admits(byteCount, expendability, slot, index) }
        let byteCountMax =
            slot.pointee.flags.contains(.dialed)
            ? limits.dialedOutboundByteCountMax : limits.outboundByteCountMax
        if slot.pointee.queue.byteCount > byteCountMax {
            counters.slowConsumerCount += 1
            reset(slot, index, .slowConsumer)
            return false
        }
        return true
    }

    /// What was corked goes before what must be queued.
    private func queueCork(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        guard cork.owner == index, cork.byteCount > 0 else { return }
        pool.append(
            UnsafeRawBufferPointer(start: cork.base, count: cork.byteCount),
            to: &slot.pointee.queue)
        cork.byteCount = 0
    }

    private func queued(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        if slot.pointee.queue.byteCount > limits.outboundByteCountHigh {
            slot.pointee.flags.insert(.backpressured)
        }
        if account.hasGrown(to: outboundByteCount) { account.tell(outboundByteCount) }
        markDirty(slot, index)
    }

    func markDirty(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        guard slot.pointee.flags.isDisjoint(with: [.dirty, .wantsWrite]) else { return }
        slot.pointee.flags.insert(.dirty)
        dirty.append(index)
    }

    func queuedByteCount(_ token: EventToken) -> Int {
        guard let slot = find(token) else { return 0 }
        let corkedByteCount = cork.owner == token.index ? cork.byteCount : 0
        return slot.pointee.queue.byteCount + slot.pointee.ciphertext.byteCount + corkedByteCount
    }

    func isBackpressured(_ token: EventToken) -> Bool {
        find(token)?.pointee.flags.contains(.backpressured) ?? false
    }

    // MARK: Corking

    /// Runs a callback of the connection's handler; what it sends leaves together.
    func corked(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32,
        _ callback: (ConnectionHandler, Connection) -> Void
    ) {
        guard let handler = slot.pointee.handler else { return }
        let connection = Connection(reactor: self, token: table.token(index))
        beginCork(index)
        handler._withUnsafeGuaranteedRef { callback($0, connection) }
        endCork(slot, index)
    }

    func beginCork(_ index: UInt32) {
        assert(cork.owner == nil, "callbacks do not nest")
        assert(cork.byteCount == 0)
        cork.owner = index
    }

    func endCork(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        cork.owner = nil
        let byteCount = cork.byteCount
        cork.byteCount = 0
        guard byteCount > 0, isLive(slot) else { return }
        let bytes = UnsafeRawBufferPointer(start: cork.base, count: byteCount)
        let taken =
            slot.pointee.tls == nil
            ? transmit(bytes, slot, index) : transmitEncrypted(bytes, slot, index)
        guard isLive(slot), taken < byteCount else { return }
        pool.append(
            UnsafeRawBufferPointer(rebasing: bytes[taken...]), to: &slot.pointee.queue)
        waitForRest(slot, index)
    }

    /// The socket has taken a part; the rest is queued.
    private func waitForRest(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        if slot.pointee.queue.byteCount > limits.outboundByteCountHigh {
            slot.pointee.flags.insert(.backpressured)
        }
        waitUntilWritable(slot, index)
    }

    // MARK: Flushing

    /// One round, in the tick's flush phase.
    func flushDirty() {
        guard !dirty.isEmpty else { return }
        var position = 0
        let count = dirty.count
        while position < count {
            let index = dirty[position]
            position += 1
            let slot = table.pointer(index)
            slot.pointee.flags.remove(.dirty)
            if isLive(slot) { flush(slot, index) }
        }
        dirty.removeFirst(count)
    }

    /// Writes what is queued, as far as the socket and the budget go.
    func flush(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let isDrained =
            slot.pointee.tls == nil
            ? flushPlain(slot, index) : flushEncrypted(slot, index)
        guard isLive(slot) else { return }
        guard isDrained else { return waitUntilWritable(slot, index) }
        if slot.pointee.flags.contains(.wantsWrite) {
            slot.pointee.flags.remove(.wantsWrite)
            updateInterest(slot, index)
        }
        relieve(slot, index)
        if isLive(slot), slot.pointee.flags.contains(.closing), slot.pointee.queue.isEmpty {
            finishClose(slot, index)
        }
    }

    private func relieve(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        guard slot.pointee.flags.contains(.backpressured),
            slot.pointee.queue.byteCount <= limits.outboundByteCountLow
        else { return }
        slot.pointee.flags.remove(.backpressured)
        corked(slot, index) { $0.becameWritable($1) }
    }

    private func waitUntilWritable(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        wantWrite(slot, index)
        relieve(slot, index)
    }

    private func wantWrite(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        guard !slot.pointee.flags.contains(.wantsWrite) else { return }
        slot.pointee.flags.insert(.wantsWrite)
        table.aside(index).pointee.lastProgress = now
        updateInterest(slot, index)
    }

    /// Writes from the queue ahead of the flush phase, without a word to the handler. What the socket does
    /// not take waits for it; what the tick's budget leaves, for that phase.
    func writeQueue(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let before = slot.pointee.queue.byteCount
        _ = slot.pointee.tls == nil ? flushPlain(slot, index) : flushEncrypted(slot, index)
        let written = before - slot.pointee.queue.byteCount
        guard isLive(slot), written < min(before, limits.writeByteCountPerTick) else { return }
        wantWrite(slot, index)
    }

    /// True when the queue is empty.
    private func flushPlain(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) -> Bool {
        var budget = limits.writeByteCountPerTick
        while !slot.pointee.queue.isEmpty {
            guard budget > 0 else { return false }
            let (taken, offered) = withUnsafeTemporaryAllocation(of: iovec.self, capacity: 32) {
                vectors in
                let batch = pool.gather(slot.pointee.queue, into: vectors, byteCountMax: budget)
                let result =
                    batch.vectorCount == 1
                    ? clinux_send(
                        slot.pointee.descriptor, vectors[0].iov_base, vectors[0].iov_len)
                    : clinux_sendv(
                        slot.pointee.descriptor, vectors.baseAddress, batch.vectorCount)
                return (result, batch.byteCount)
            }
            guard let sent = sentByteCount(taken, slot, index) else { return false }
            pool.consume(sent, from: &slot.pointee.queue)
            budget -= sent
            if sent < offered { return false }
        }
        return true
    }

    /// Sorts the result of a send: bytes taken (0 when the socket is full), or nil after an error
    /// that ended the connection.
    private func sentByteCount(
        _ result: Int, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Int? {
        if result >= 0 {
            counters.sentByteCount += UInt64(result)
            if result > 0, slot.pointee.flags.contains(.wantsWrite) {
                table.aside(index).pointee.lastProgress = now
            }
            return result
        }
        switch SystemError.kind(of: Int32(-result)) {
        case .retry, .wouldBlock: return 0
        case .peerGone, .resource: broken(slot, index, Int32(-result))
        case .ourBug: preconditionFailure("send failed with errno \(-result)")
        }
        return nil
    }

    /// Sends at once; returns how many bytes the socket took.
    private func transmit(
        _ bytes: UnsafeRawBufferPointer, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Int {
        let result = clinux_send(slot.pointee.descriptor, bytes.baseAddress, bytes.count)
        return sentByteCount(result, slot, index) ?? 0
    }

    // MARK: TLS

    /// Encrypts and sends record by record until the socket is full; returns the plaintext used.
    private func transmitEncrypted(
        _ bytes: UnsafeRawBufferPointer, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Int {
        var offset = 0
        while offset < bytes.count, slot.pointee.ciphertext.isEmpty {
            let end = min(bytes.count, offset + TLSSession.recordByteCountMax)
            guard slot.pointee.tls!.write(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]))
            else {
                self.end(slot, index, .peerGone)
                return offset
            }
            offset = end
            flushCiphertext(slot, index)
            guard isLive(slot) else { return offset }
        }
        return offset
    }

    /// True when queue and ciphertext are empty.
    private func flushEncrypted(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) -> Bool {
        guard flushPendingCiphertext(slot, index) else { return false }
        var budget = limits.writeByteCountPerTick
        while !slot.pointee.queue.isEmpty {
            guard budget > 0 else { return false }
            let used = encryptRecord(slot, index)
            guard isLive(slot) else { return false }
            pool.consume(used, from: &slot.pointee.queue)
            budget -= used
            flushCiphertext(slot, index)
            guard isLive(slot), slot.pointee.ciphertext.isEmpty else { return false }
        }
        return true
    }

    /// Gathers up to one record from the queue and encrypts it; returns the plaintext used.
    private func encryptRecord(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: 32) { vectors in
            let batch = pool.gather(
                slot.pointee.queue, into: vectors, byteCountMax: TLSSession.recordByteCountMax)
            var record = UnsafeRawBufferPointer(
                start: vectors[0].iov_base, count: vectors[0].iov_len)
            if batch.vectorCount > 1 {
                // The receive buffer is free in the flush phase and larger than a record.
                var filled = 0
                for vector in vectors.prefix(batch.vectorCount) {
                    (receiveBuffer + filled).copyMemory(
                        from: vector.iov_base, byteCount: vector.iov_len)
                    filled += vector.iov_len
                }
                record = UnsafeRawBufferPointer(start: receiveBuffer, count: filled)
            }
            if !slot.pointee.tls!.write(record) { end(slot, index, .peerGone) }
            return record.count
        }
    }

    /// Sends what stands in the outgoing window; what the socket does not take is kept.
    func flushCiphertext(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let byteCount = tls.window.pointee.outgoingByteCount
        guard byteCount > 0 else { return }
        tls.window.pointee.outgoingByteCount = 0
        let bytes = UnsafeRawBufferPointer(start: tls.window.pointee.outgoing, count: byteCount)
        var taken = 0
        if slot.pointee.ciphertext.isEmpty {
            let result = clinux_send(slot.pointee.descriptor, bytes.baseAddress, byteCount)
            guard let sent = sentByteCount(result, slot, index) else { return }
            taken = sent
        }
        guard taken < byteCount else { return }
        pool.append(
            UnsafeRawBufferPointer(rebasing: bytes[taken...]), to: &slot.pointee.ciphertext)
        if !slot.pointee.flags.contains(.wantsWrite) {
            slot.pointee.flags.insert(.wantsWrite)
            table.aside(index).pointee.lastProgress = now
            updateInterest(slot, index)
        }
    }

    /// True when no ciphertext of an earlier flush is left.
    private func flushPendingCiphertext(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> Bool {
        while !slot.pointee.ciphertext.isEmpty {
            let (taken, offered) = withUnsafeTemporaryAllocation(of: iovec.self, capacity: 32) {
                vectors in
                let batch = pool.gather(
                    slot.pointee.ciphertext, into: vectors, byteCountMax: .max)
                let result = clinux_sendv(
                    slot.pointee.descriptor, vectors.baseAddress, batch.vectorCount)
                return (result, batch.byteCount)
            }
            guard let sent = sentByteCount(taken, slot, index) else { return false }
            pool.consume(sent, from: &slot.pointee.ciphertext)
            if sent < offered { return false }
        }
        return true
    }
}
