// Reactor+Receive: from a readable socket to the handler.
//
//   receive buffer   ┌──────────────┬───────────────────────┬─────────┐
//                    │ left over    │ received now          │ free    │
//                    └──────────────┴───────────────────────┴─────────┘
//                    └────────── handler.received ──────────┘
//                                consumed ◀─┤├─▶ kept by the connection
//
// Thread: the loop's.  Allocates: only to keep what the handler has not consumed.

import CLinux
import COpenSSL
import Glibc

extension Reactor {
    func becameReadable(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        // What waits for its turn comes first. Reading on would pile up a pipeline that the handler
        // takes in portions, until it overflows; the level-triggered poller will report again.
        if slot.pointee.flags.contains(.redelivering) { return }
        if !slot.pointee.flags.isDisjoint(with: [.lingering, .awaitingProxyHeader]) {
            if slot.pointee.flags.contains(.lingering) {
                discard(slot, index)
            } else {
                receiveProxyHeader(slot, index)
            }
        } else if slot.pointee.tls == nil {
            receivePlain(slot, index)
        } else {
            receiveEncrypted(slot, index)
        }
    }

    private func receivePlain(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let kept = restoreLeftover(slot)
        let count = clinux_recv(
            slot.pointee.descriptor, receiveBuffer + kept, limits.readByteCountPerTick)
        if count > 0 {
            counters.receivedByteCount += UInt64(count)
            deliver(slot, index, byteCount: kept + count)
        } else {
            keepLeftover(slot, index, from: 0, to: kept)
            receiveEnded(slot, index, count)
        }
    }

    /// recv gave no bytes: end of stream, nothing yet, or an error.
    func receiveEnded(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ result: Int) {
        if result == 0 {
            peerClosed(slot, index)
            return
        }
        switch SystemError.kind(of: Int32(-result)) {
        case .retry, .wouldBlock: break
        case .peerGone, .resource:
            if slot.pointee.flags.contains(.handshaking) { countHandshakeFailure(.closed) }
            broken(slot, index, Int32(-result))
        case .ourBug: preconditionFailure("recv failed with errno \(-result)")
        }
    }

    private func receiveEncrypted(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        // A handshake step costs hundreds of microseconds. Beyond the budget the bytes stay in the
        // kernel, and the level-triggered poller reports them again in the next tick.
        if slot.pointee.flags.contains(.handshaking) {
            guard handshakesLeft > 0 else { return }
            handshakesLeft -= 1
        }
        let count = clinux_recv(
            slot.pointee.descriptor, cipherBuffer, limits.readByteCountPerTick)
        guard count > 0 else { return receiveEnded(slot, index, count) }
        counters.receivedByteCount += UInt64(count)
        tls.window.pointee.incoming = UnsafeRawPointer(cipherBuffer)
        tls.window.pointee.incomingByteCount = count
        if slot.pointee.flags.contains(.handshaking), !continueHandshake(slot, index) { return }
        // Everything read must be decrypted now: epoll will not report bytes inside the session.
        while isLive(slot), decryptAndDeliver(slot, index) {}
    }

    /// True when the handshake is done and application data may follow.
    func continueHandshake(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) -> Bool {
        let progress = slot.pointee.tls!.handshake()
        flushCiphertext(slot, index)
        guard isLive(slot) else { return false }
        switch progress {
        case .done:
            counters.handshakeCount += 1
            if slot.pointee.tls!.isResumed { counters.resumedHandshakeCount += 1 }
            slot.pointee.tls!.handshakeEnded()
            handshakeEnded(slot)
            wheel.disarm(index)
            open(slot, index)
            return isLive(slot)
        case .wantsMore:
            break
        case .closed:
            failHandshake(slot, index, .closed, .peerClosed)
        case .failed(let code):
            handshakeFailed(slot, index, code: code)
        }
        return false
    }

    private func handshakeFailed(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, code: UInt
    ) {
        let reason = TLSHandshakeFailure(code: code)
        if copenssl_reason(code) == SSL_R_HTTP_REQUEST, !slot.pointee.flags.contains(.dialed) {
            answerPlaintext(slot, index)
        } else {
            let text = slot.pointee.tls!.failureText(code: code)
            failHandshake(slot, index, reason, .tls(text))
        }
    }

    /// Somebody has typed http:// in front of the port of https://. That deserves a word, in the only
    /// language they speak.
    private func answerPlaintext(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        countHandshakeFailure(.notTLS)
        let answer = listeners[Int(slot.pointee.listener)].plaintextAnswer
        guard answer.utf8CodeUnitCount > 0 else { return end(slot, index, .handshakeFailed) }
        slot.pointee.tls!.free()
        slot.pointee.tls = nil
        handshakeEnded(slot)
        part(
            from: slot, index,
            saying: UnsafeRawBufferPointer(start: answer.utf8Start, count: answer.utf8CodeUnitCount)
        )
    }

    /// Decrypts one buffer full; false when the incoming window is used up.
    private func decryptAndDeliver(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) -> Bool {
        let kept = restoreLeftover(slot)
        let room = receiveCapacity - kept
        guard room > 0 else {
            keepLeftover(slot, index, from: 0, to: kept)
            return false
        }
        let progress = slot.pointee.tls!.read(into: receiveBuffer + kept, byteCountMax: room)
        if case .done(let count) = progress {
            // Delivering may write, and writing uses the outgoing window: what the read itself put
            // there (tickets, key updates) goes first.
            flushCiphertext(slot, index)
            if isLive(slot) {
                // The handler may encrypt for other connections, never decrypt: the incoming window
                // is still this connection's afterwards.
                deliver(slot, index, byteCount: kept + count)
            }
            return true
        }
        keepLeftover(slot, index, from: 0, to: kept)
        flushCiphertext(slot, index)
        guard isLive(slot) else { return false }
        switch progress {
        case .closed: peerClosed(slot, index)
        case .failed(let code): end(slot, index, CloseReason(lastAlert: TLSAlert(code: code)))
        case .wantsMore, .done: break
        }
        return false
    }

    /// Hands the first `byteCount` bytes of the receive buffer to the handler.
    func deliver(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, byteCount: Int) {
        var offset = 0
        let connection = Connection(reactor: self, token: table.token(index))
        beginCork(index)
        while offset < byteCount, slot.pointee.flags.isDisjoint(with: [.paused, .closing]),
            let handler = slot.pointee.handler
        {
            let bytes = UnsafeMutableRawBufferPointer(
                start: receiveBuffer + offset, count: byteCount - offset)
            let consumed = handler._withUnsafeGuaranteedRef { $0.received(bytes, on: connection) }
            precondition(consumed >= 0 && consumed <= bytes.count)
            offset += consumed
            guard isLive(slot) else { break }
            // After an upgrade the rest is the new handler's.
            if slot.pointee.handler?.toOpaque() == handler.toOpaque() { break }
        }
        endCork(slot, index)
        guard isLive(slot) else { return }
        if slot.pointee.flags.contains(.closing) { offset = byteCount }
        keepLeftover(slot, index, from: offset, to: byteCount)
    }

    /// Copies what was left over to the front of the receive buffer and returns its size. The block
    /// stays with the slot until `keepLeftover` decides.
    func restoreLeftover(_ slot: UnsafeMutablePointer<Slot>) -> Int {
        slot.pointee.leftover?.take(into: receiveBuffer) ?? 0
    }

    /// Keeps the bytes `from..<to` of the receive buffer for the connection's next delivery.
    func keepLeftover(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, from start: Int, to end: Int
    ) {
        let count = end - start
        if count > limits.leftoverByteCountMax {
            counters.leftoverOverflowCount += 1
            self.end(slot, index, .aborted)
            return
        }
        if let leftover = slot.pointee.leftover, count == 0 || count > leftover.capacity {
            leftover.free()
            slot.pointee.leftover = nil
        }
        guard count > 0 else { return }
        let leftover = slot.pointee.leftover ?? Leftover(capacity: count)
        leftover.keep(receiveBuffer + start, byteCount: count)
        slot.pointee.leftover = leftover
    }

    private func peerClosed(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        if slot.pointee.flags.contains(.handshaking) {
            return failHandshake(slot, index, .closed, .peerClosed)
        }
        if slot.pointee.flags.contains(.awaitingProxyHeader) {
            return refuseProxy(slot, index, .truncated)
        }
        guard !slot.pointee.flags.contains(.peerClosed) else { return }
        slot.pointee.flags.insert(.peerClosed)
        updateInterest(slot, index)
        corked(slot, index) { $0.peerClosed($1) }
    }

    /// Throws input away until the peer closes or has sent too much.
    private func discard(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let count = clinux_recv(
            slot.pointee.descriptor, receiveBuffer, limits.readByteCountPerTick)
        if count > 0 {
            let aside = table.aside(index)
            aside.pointee.lingeredByteCount += count
            if aside.pointee.lingeredByteCount <= limits.lingerByteCountMax { return }
        } else if count < 0 {
            let kind = SystemError.kind(of: Int32(-count))
            if kind == .wouldBlock || kind == .retry { return }
        }
        end(slot, index, .finished)
    }

    // MARK: Pausing

    func pauseReading(_ token: EventToken) {
        guard let slot = find(token) else { return }
        slot.pointee.flags.insert(.paused)
        updateInterest(slot, token.index)
    }

    func resumeReading(_ token: EventToken) {
        guard let slot = find(token), slot.pointee.flags.contains(.paused) else { return }
        slot.pointee.flags.remove(.paused)
        updateInterest(slot, token.index)
        continueLater(token)
    }

    func continueLater(_ token: EventToken) {
        guard let slot = find(token), !slot.pointee.flags.contains(.redelivering) else { return }
        slot.pointee.flags.insert(.redelivering)
        redeliveries.append(token)
    }

    /// One round: what is asked for during it waits for the next tick, so that a handler with an
    /// endless supply of leftovers cannot keep the loop from other connections.
    func redeliverLeftovers() {
        guard !redeliveries.isEmpty else { return }
        var round: [EventToken] = []
        swap(&round, &redeliveries)
        for token in round {
            guard let slot = find(token) else { continue }
            slot.pointee.flags.remove(.redelivering)
            guard slot.pointee.leftover?.byteCount ?? 0 > 0,
                !slot.pointee.flags.contains(.paused)
            else { continue }
            let count = restoreLeftover(slot)
            deliver(slot, token.index, byteCount: count)
        }
    }

    func replaceHandler(_ token: EventToken, with handler: ConnectionHandler) {
        guard let slot = find(token) else { return }
        if let old = slot.pointee.handler { retired.append(old) }
        slot.pointee.handler = Unmanaged.passRetained(handler)
        wheel.disarm(token.index)
    }
}
