// Reactor+Close: how connections end.
//
//   closeAfterFlush ─▶ closing ─(queue empty)─▶ finishClose ─┬─▶ end
//                                                            └─▶ lingering ─(EOF, time, bytes)─▶ end
//   abort, peer gone, slow consumer ─────────────────────────────▶ end
//   end ─▶ closed ─(end of tick)─▶ handler.closed, descriptor closed, slot released
//
// Nothing is freed while anything may still be on the stack: `end` only marks.
//
// Thread: the loop's.  Allocates: never.

import CLinux
import Glibc

extension Reactor {
    func closeAfterFlush(_ token: EventToken, lingering: Bool) {
        guard let slot = find(token), !slot.pointee.flags.contains(.closing) else { return }
        slot.pointee.flags.insert(.closing)
        if lingering { slot.pointee.flags.insert(.lingerWanted) }
        updateInterest(slot, token.index)
        markDirty(slot, token.index)
    }

    func abort(_ token: EventToken, _ reason: CloseReason) {
        if let slot = find(token) { reset(slot, token.index, reason) }
    }

    /// Ends with a TCP reset: a close frame or a FIN cannot get past a full socket.
    func reset(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ reason: CloseReason) {
        _ = clinux_reset_on_close(slot.pointee.descriptor)
        end(slot, index, reason)
    }

    /// The connection has failed underneath us: by the peer's reset, or by the kernel, which gives
    /// silent peers up (`Limits.acceptedSilenceTimeout`).
    ///
    /// - Parameter code: an errno; 0 if there is none.
    func broken(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ code: Int32) {
        if code == ETIMEDOUT { counters.silentPeerCount += 1 }
        end(slot, index, CloseReason(lastAlert: alertLeftBehind(slot)))
    }

    /// Why a server wants no more of us: its alert may have come before the reset that made a send
    /// fail, and then still waits to be read.
    private func alertLeftBehind(_ slot: UnsafeMutablePointer<Slot>) -> TLSAlert? {
        let flags = slot.pointee.flags
        guard flags.contains(.dialed), !flags.contains(.handshaking),
            let session = slot.pointee.tls
        else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { bytes in
            let (ciphertext, plaintext) = (bytes.baseAddress!, bytes.baseAddress! + 1024)
            let count = clinux_recv(slot.pointee.descriptor, ciphertext, 1024)
            guard count > 0 else { return nil }
            // Whoever is read from at the moment has the window, and nobody hears an answer of ours.
            let window = tls.window.pointee
            defer {
                tls.window.pointee.incoming = window.incoming
                tls.window.pointee.incomingByteCount = window.incomingByteCount
                tls.window.pointee.outgoingByteCount = window.outgoingByteCount
            }
            tls.window.pointee.incoming = UnsafeRawPointer(ciphertext)
            tls.window.pointee.incomingByteCount = count
            while true {
                switch session.read(into: plaintext, byteCountMax: 1024) {
                case .done: continue
                case .failed(let code): return TLSAlert(code: code)
                case .wantsMore, .closed: return nil
                }
            }
        }
    }

    /// Closes behind a few words in plain text, the first bytes on this socket: the kernel has room, or
    /// the peer goes without.
    func part(
        from slot: UnsafeMutablePointer<Slot>, _ index: UInt32, saying words: UnsafeRawBufferPointer
    ) {
        _ = clinux_send(slot.pointee.descriptor, words.baseAddress, words.count)
        slot.pointee.flags.formUnion([.closing, .lingerWanted])
        finishClose(slot, index)
    }

    /// Everything is sent: say goodbye on the TLS and TCP level.
    func finishClose(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        if slot.pointee.flags.contains(.lingering) { return }
        if let session = slot.pointee.tls {
            session.shutdown()
            flushCiphertext(slot, index)
            guard isLive(slot) else { return }
        }
        guard slot.pointee.flags.contains(.lingerWanted),
            !slot.pointee.flags.contains(.peerClosed)
        else { return end(slot, index, .finished) }
        // A close with unread input would be a reset, and a reset can overtake our last answer on
        // its way to the peer (RFC 9112 §9.6).
        slot.pointee.flags.insert(.lingering)
        table.aside(index).pointee.lingeredByteCount = 0
        _ = clinux_shutdown_write(slot.pointee.descriptor)
        updateInterest(slot, index)
        wheel.arm(index, at: now.advanced(by: limits.lingerTimeout))
    }

    /// Marks the connection ended; the first reason counts.
    func end(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ reason: CloseReason) {
        guard isLive(slot) else { return }
        slot.pointee.flags.insert(.closed)
        slot.pointee.closeReason = reason
        poller.remove(slot.pointee.descriptor)
        wheel.disarm(index)
        closed.append(index)
    }

    /// The end of the tick: tells the handlers and frees what `end` marked.
    func freeClosed() {
        // By position: a handler's `closed` may end further connections.
        var position = 0
        while position < closed.count {
            let index = closed[position]
            position += 1
            free(table.pointer(index), index)
        }
        closed.removeAll(keepingCapacity: true)
        for handler in retired { handler.release() }
        retired.removeAll(keepingCapacity: true)
    }

    private func free(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let connection = Connection(reactor: self, token: table.token(index))
        if let handler = slot.pointee.handler {
            slot.pointee.handler = nil
            let reason = slot.pointee.closeReason
            handler._withUnsafeGuaranteedRef { $0.closed(connection, reason: reason) }
            handler.release()
        }
        slot.pointee.tls?.free()
        slot.pointee.tls = nil
        if slot.pointee.flags.contains(.handshaking) { handshakeEnded(slot) }
        pool.removeAll(&slot.pointee.queue)
        pool.removeAll(&slot.pointee.ciphertext)
        slot.pointee.leftover?.free()
        slot.pointee.leftover = nil
        _ = clinux_close(slot.pointee.descriptor)
        slot.pointee.descriptor = -1
        if slot.pointee.flags.contains(.dialed) { dialedCount -= 1 }
        if slot.pointee.flags.contains(.admitted) { leaveAdmission(slot, index) }
        // A closed connection may stand on the dirty list once more; flushDirty skips it because
        // its slot is no longer live, unless the slot was given out again within this tick.
        slot.pointee.flags.remove(.dirty)
        table.release(index)
    }

    /// Once a second: cuts connections whose output does not move.
    func cutStalledWriters() {
        for index in 0..<table.usedCount {
            let slot = table.pointer(index)
            guard isLive(slot), slot.pointee.flags.contains(.wantsWrite),
                table.aside(index).pointee.lastProgress.duration(to: now) > limits.writeStallTimeout
            else { continue }
            if !slot.pointee.flags.contains(.overflowed) { counters.slowConsumerCount += 1 }
            reset(slot, index, .slowConsumer)
        }
    }

    /// Asks every handler to finish what is in flight and close.
    public func drainConnections() {
        for body in drainHandlers { body() }
        for index in 0..<table.usedCount {
            let slot = table.pointer(index)
            guard isLive(slot) else { continue }
            if slot.pointee.handler == nil {
                // In its TLS handshake, or before it.
                end(slot, index, .aborted)
            } else if slot.pointee.flags.isDisjoint(with: [.closing, .lingering]) {
                corked(slot, index) { $0.drain($1) }
            }
        }
    }
}
