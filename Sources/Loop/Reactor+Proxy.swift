// Reactor+Proxy: connections that a proxy hands over.
//
//   accept ─▶ trusted? ─▶ awaits its header ─▶ looks at it in the kernel ─▶ takes exactly its bytes
//               │ no             │ time, EOF            │ violation              ▼
//               └────────────────┴──────────────────────┴──▶ closed, counted   TLS or HTTP
//
// The header is peeked at and only then received, so that what stands behind it in the same packet is
// still the socket's, and whoever reads next need not know that there was a header.
//
// Thread: the loop's.  Allocates: to keep a header that comes in pieces.
// Source: "The PROXY protocol, versions 1 & 2" (HAProxy), §2: a receiver listens for either nothing or
// the header, and never guesses.

import CLinux

extension Reactor {
    /// Waits for the header, if this peer may send one.
    func awaitProxyHeader(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, from peer: PeerAddress,
        _ proxies: TrustedNetworks
    ) {
        guard proxies.contains(peer.ip) else { return refuseProxy(slot, index, .untrusted) }
        slot.pointee.flags.insert(.awaitingProxyHeader)
        wheel.arm(index, at: now.advanced(by: limits.proxyHeaderTimeout))
    }

    func receiveProxyHeader(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let kept = restoreLeftover(slot)
        let count = clinux_peek(
            slot.pointee.descriptor, receiveBuffer + kept, ProxyHeader.byteCountMax - kept)
        guard count > 0 else {
            keepLeftover(slot, index, from: 0, to: kept)
            // A connection that ends without a byte is how load balancers ask whether we live.
            if count == 0, kept == 0 { return end(slot, index, .peerGone) }
            return receiveEnded(slot, index, count)
        }
        let bytes = UnsafeRawBufferPointer(start: receiveBuffer, count: kept + count)
        switch ProxyHeader.parse(bytes.assumingMemoryBound(to: UInt8.self).span) {
        case .incomplete:
            take(count, behind: kept, slot)
            keepLeftover(slot, index, from: 0, to: kept + count)
        case .violation(let violation):
            refuseProxy(slot, index, violation)
        case .complete(let header):
            take(header.byteCount - kept, behind: kept, slot)
            keepLeftover(slot, index, from: 0, to: 0)
            slot.pointee.flags.remove(.awaitingProxyHeader)
            wheel.disarm(index)
            if let client = header.client {
                slot.pointee.flags.insert(.proxied)
                table.aside(index).pointee.client = client
                if let refusal = admit(client.ip, slot, index) {
                    return refuse(slot, index, refusal)
                }
            }
            begin(slot, index)
        }
    }

    /// Counts the connection as the client's and not as its proxy's.
    private func admit(
        _ client: IPAddress, _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32
    ) -> ConnectionRefusal? {
        guard let admission = listeners[Int(slot.pointee.listener)].admission else { return nil }
        let address = table.aside(index).pointee.address
        if let refusal = admission.move(from: address, to: client) { return refusal }
        table.aside(index).pointee.address = client
        return nil
    }

    /// Receives bytes that have been peeked at.
    private func take(_ byteCount: Int, behind kept: Int, _ slot: UnsafeMutablePointer<Slot>) {
        let taken = clinux_recv(slot.pointee.descriptor, receiveBuffer + kept, byteCount)
        precondition(taken == byteCount, "the kernel holds what it has just shown")
        counters.receivedByteCount += UInt64(byteCount)
    }

    func refuseProxy(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ violation: ProxyHeaderViolation
    ) {
        counters.proxyRefusalCountByReason[violation, default: 0] += 1
        end(slot, index, .aborted)
    }

    /// Whose connection it is: the client's that a proxy has named, else the socket's other end.
    func peerAddress(_ token: EventToken) -> PeerAddress {
        guard let slot = find(token) else { return .unknown }
        if slot.pointee.flags.contains(.proxied) { return table.aside(token.index).pointee.client }
        var peer = clinux_peer()
        return clinux_peer(slot.pointee.descriptor, &peer) == 0 ? PeerAddress(peer) : .unknown
    }
}
