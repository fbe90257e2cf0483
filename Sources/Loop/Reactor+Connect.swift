// Reactor+Connect: outbound connections, from an address to `opened`.
//
//   startConnect ─▶ connecting ─(EPOLLOUT, SO_ERROR 0)─┬─ plain ────────────────────────▶ opened
//                       │                              └─ TLS ─▶ handshaking ─(done)─▶ opened
//                       └──────────────────────────────────────────┴─▶ end ─▶ Dial.closed
//
// Until `opened` the slot's handler is the Dial; it hands the connection over to the real one, or
// tries the next address. From `opened` on there is no difference to an accepted connection.
//
// Thread: the loop's.  Allocates: OpenSSL's session with TLS.
// Source: man 2 connect (EINPROGRESS), man 7 tcp.

import CLinux

extension Reactor {
    /// Begins to connect; the outcome is a call of the dial's `opened` or `closed`, later.
    ///
    /// - Parameter timeout: for this address.
    func startConnect(
        to address: SocketAddress, for dial: Dial, timeout: Duration
    ) throws(DialFailure) {
        let silence = Int32(clamping: limits.dialedSilenceTimeout.components.seconds)
        let descriptor = address.startConnect(from: dial.source, silenceSeconds: silence)
        guard descriptor >= 0 else { throw .system(-descriptor) }
        guard let index = table.allocate() else {
            _ = clinux_close(descriptor)
            throw .tableIsFull
        }
        let slot = table.pointer(index)
        slot.pointee.descriptor = descriptor
        slot.pointee.interest = .write
        do throws(SystemError) {
            try poller.add(descriptor, .write, table.token(index))
        } catch {
            _ = clinux_close(descriptor)
            table.release(index)
            throw .system(error.code)
        }
        slot.pointee.flags.formUnion([.connecting, .dialed])
        dialedCount += 1
        slot.pointee.handler = Unmanaged.passRetained(dial)
        wheel.arm(index, at: now.advanced(by: timeout))
    }

    /// The socket has an answer: connected, or not.
    func connectEnded(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let result = clinux_socket_error(slot.pointee.descriptor)
        guard result == 0 else { return failDial(slot, index, .system(-result)) }
        guard let dial = pendingDial(of: slot) else {
            preconditionFailure("a connect without its dial")
        }
        dial.connected()
        slot.pointee.flags.remove(.connecting)
        guard let context = dial.endpoint.tls else {
            updateInterest(slot, index)
            wheel.disarm(index)
            return open(slot, index)
        }
        guard
            let session = TLSSession(context: context, host: dial.endpoint.host, channel: tls)
        else { return failDial(slot, index, .system(ENOMEM)) }
        slot.pointee.tls = session
        slot.pointee.flags.insert(.handshaking)
        updateInterest(slot, index)
        wheel.arm(index, at: dial.deadline)
        // What another session has left of its input is not ours.
        tls.window.pointee.incomingByteCount = 0
        _ = continueHandshake(slot, index)
    }

    /// The TLS handshake came to nothing, on either side's connection.
    func failHandshake(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ reason: TLSHandshakeFailure,
        _ failure: DialFailure
    ) {
        countHandshakeFailure(reason)
        pendingDial(of: slot)?.failure = failure
        end(slot, index, .handshakeFailed)
    }

    func countHandshakeFailure(_ reason: TLSHandshakeFailure) {
        counters.handshakeFailureCounts[reason, default: 0] += 1
    }

    func failDial(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ failure: DialFailure
    ) {
        pendingDial(of: slot)?.failure = failure
        end(slot, index, .peerGone)
    }

    /// The dial of a connection on its way; nil for accepted connections and open ones.
    private func pendingDial(of slot: UnsafeMutablePointer<Slot>) -> Dial? {
        slot.pointee.handler?.takeUnretainedValue() as? Dial
    }
}
