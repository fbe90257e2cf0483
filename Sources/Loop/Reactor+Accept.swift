// Reactor+Accept: new connections.
//
// Thread: the loop's.  Allocates: the handler, and OpenSSL's session with TLS.
// Source: man 2 accept4; the reserve descriptor against EMFILE is libev's idea.

import CLinux

/// One listening socket of one loop.
struct Listener {
    var descriptor: Int32
    let identity: TLSIdentity?
    /// Nil: connections begin with their client's first byte, and not with a PROXY header.
    let proxies: TrustedNetworks?
    let admission: Admission?
    /// Said to whoever is refused.
    let refusal: [UInt8]
    /// For clients that speak HTTP where TLS is spoken; empty: they are cut.
    let plaintextAnswer: StaticString
    /// Not watched; Reactor+Admission says why.
    var isPaused = false
    let makeHandler: (Connection) -> ConnectionHandler
}

/// A listening address that could not be had; the text says why and what to do.
public struct ListenError: Error, Sendable, CustomStringConvertible {
    public let error: SystemError
    public let description: String
}

extension Reactor {
    /// Listens on `host:port` with SO_REUSEPORT, so that every loop has a listener of its own.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - identity: serves TLS with it; nil is plain TCP.
    ///   - proxies: only they may connect, and each connection must begin with a PROXY header; nil
    ///     takes everybody and no header.
    ///   - admission: has the say beside the limits of the loop.
    ///   - refusal: what a connection that is refused is told before the close; not with TLS, where
    ///     words cost a handshake.
    ///   - plaintextAnswer: what a client is told that sends plain HTTP to TLS.
    ///   - makeHandler: makes the handler of each connection; with TLS after the handshake.
    /// - Returns: the bound address as text, "127.0.0.1:8080".
    @discardableResult
    public func listen(
        host: String, port: UInt16, identity: TLSIdentity? = nil, proxies: TrustedNetworks? = nil,
        admission: Admission? = nil, refusal: [UInt8] = [], plaintextAnswer: StaticString = "",
        makeHandler: @escaping (Connection) -> ConnectionHandler
    ) throws(ListenError) -> String {
        let silence = Int32(clamping: limits.acceptedSilenceTimeout.components.seconds)
        let descriptor = clinux_bind_and_listen(
            host, port, Int32(limits.listenBacklog), Int32(limits.socketSendByteCount), silence)
        guard descriptor >= 0 else {
            throw Self.listenError(SystemError(code: -descriptor, call: "listen"), host, port)
        }
        let address: String
        do throws(SystemError) {
            address = try Self.localAddress(of: descriptor)
            try poller.add(descriptor, .read, Self.token(ofListener: listeners.count))
        } catch {
            _ = clinux_close(descriptor)
            throw Self.listenError(error, host, port)
        }
        if listeners.isEmpty { startBeat() }
        listeners.append(
            Listener(
                descriptor: descriptor, identity: identity, proxies: proxies,
                admission: admission, refusal: refusal, plaintextAnswer: plaintextAnswer,
                makeHandler: makeHandler))
        updateAccepting()
        return address
    }

    private static func localAddress(of descriptor: Int32) throws(SystemError) -> String {
        var text = [CChar](repeating: 0, count: 64)
        try SystemError.check(clinux_local_address(descriptor, &text, text.count), "getsockname")
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Throws if somebody listens on the address already. For the start of a server: the listeners of
    /// its loops share their port, and so would a second server by accident.
    public static func checkPortIsFree(host: String, port: UInt16) throws(ListenError) {
        let result = clinux_probe_port(host, port)
        if result < 0 {
            throw listenError(SystemError(code: -result, call: "bind"), host, port)
        }
    }

    private static func listenError(
        _ error: SystemError, _ host: String, _ port: UInt16
    ) -> ListenError {
        let hint =
            switch error.code {
            case EADDRINUSE: "the port is taken; stop the other program or choose another port"
            case EACCES: "not permitted; ports below 1024 need CAP_NET_BIND_SERVICE"
            case EADDRNOTAVAIL: "this machine does not have that address"
            default: error.description
            }
        return ListenError(error: error, description: "cannot listen on \(host):\(port): \(hint)")
    }

    /// Closes all listening sockets; connections live on.
    public func stopAccepting() {
        for position in listeners.indices where listeners[position].descriptor >= 0 {
            poller.remove(listeners[position].descriptor)
            _ = clinux_close(listeners[position].descriptor)
            listeners[position].descriptor = -1
        }
    }

    func accept(on position: Int) {
        let listener = listeners[position]
        guard listener.descriptor >= 0 else { return }
        var peer = clinux_peer()
        for _ in 0..<limits.acceptCountPerTick {
            if acceptPause(of: listener) != nil { return updateAccepting() }
            let descriptor = clinux_accept(listener.descriptor, &peer)
            if descriptor >= 0 {
                adopt(descriptor, from: PeerAddress(peer), listener: position)
                continue
            }
            switch SystemError.kind(of: -descriptor) {
            case .wouldBlock: return
            // The peer gave up while it waited in the queue; take the next one.
            case .retry, .peerGone: continue
            case .resource:
                refuseForLackOfDescriptors(listener.descriptor)
                return
            case .ourBug: preconditionFailure("accept4 failed with errno \(-descriptor)")
            }
        }
    }

    /// A stranger's handshake has ended, in one way or the other.
    func handshakeEnded(_ slot: UnsafeMutablePointer<Slot>) {
        slot.pointee.flags.remove(.handshaking)
        if slot.pointee.flags.contains(.dialed) { return }
        handshakingCount -= 1
        assert(handshakingCount >= 0)
        if listeners[Int(slot.pointee.listener)].isPaused { updateAccepting() }
    }

    static func token(ofListener position: Int) -> EventToken {
        EventToken(index: UInt32(position), generation: 0)
    }

    /// A level-triggered listener with a waiting connection would spin while the process is out of
    /// descriptors. Giving up the reserve makes room to accept that connection and to refuse it.
    private func refuseForLackOfDescriptors(_ listener: Int32) {
        count(.noResources)
        if reserve >= 0 {
            _ = clinux_close(reserve)
            reserve = -1
            var peer = clinux_peer()
            let refused = clinux_accept(listener, &peer)
            if refused >= 0 { _ = clinux_close(refused) }
        }
        reserve = clinux_open_reserve()
    }

    private func adopt(_ descriptor: Int32, from peer: PeerAddress, listener position: Int) {
        counters.acceptedCount += 1
        if let rate = limits.acceptRate { _ = acceptBucket.take(rate, at: now) }
        let listener = listeners[position]
        if let refusal = listener.admission?.enter(peer.ip) {
            return refuse(descriptor, refusal, listener)
        }
        guard let index = table.allocate() else {
            listener.admission?.leave(peer.ip)
            return refuse(descriptor, .loopFull, listener)
        }
        let slot = table.pointer(index)
        if listener.admission != nil {
            slot.pointee.flags.insert(.admitted)
            table.aside(index).pointee.address = peer.ip
        }
        slot.pointee.descriptor = descriptor
        slot.pointee.listener = UInt8(position)
        slot.pointee.interest = .read
        do throws(SystemError) {
            try poller.add(descriptor, .read, table.token(index))
        } catch {
            // The kernel has no room for another watch: the same answer as for no descriptor.
            listener.admission?.leave(peer.ip)
            table.release(index)
            return refuse(descriptor, .noResources, listener)
        }
        if let proxies = listener.proxies {
            awaitProxyHeader(slot, index, from: peer, proxies)
        } else {
            begin(slot, index)
        }
    }

    /// What comes next is the client's: its handshake, or bytes for its handler.
    func begin(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        guard let identity = listeners[Int(slot.pointee.listener)].identity else {
            open(slot, index)
            return
        }
        guard let session = TLSSession(context: identity.current, channel: tls) else {
            count(.noResources)
            end(slot, index, .aborted)
            return
        }
        slot.pointee.tls = session
        slot.pointee.flags.insert(.handshaking)
        handshakingCount += 1
        wheel.arm(index, at: now.advanced(by: limits.handshakeTimeout))
    }

    /// Closes a connection that may not stay. Its words go into an empty socket, which takes them at
    /// once; what it has sent is read, because a close in front of unread bytes is a reset that may
    /// overtake them.
    private func refuse(_ descriptor: Int32, _ refusal: ConnectionRefusal, _ listener: Listener) {
        count(refusal)
        if listener.identity == nil, !listener.refusal.isEmpty {
            _ = clinux_send(descriptor, listener.refusal, listener.refusal.count)
            _ = clinux_shutdown_write(descriptor)
            _ = clinux_recv(descriptor, receiveBuffer, limits.readByteCountPerTick)
        }
        _ = clinux_close(descriptor)
    }

    /// The same for one that has been accepted.
    func refuse(
        _ slot: UnsafeMutablePointer<Slot>, _ index: UInt32, _ refusal: ConnectionRefusal
    ) {
        count(refusal)
        let listener = listeners[Int(slot.pointee.listener)]
        guard listener.identity == nil, !listener.refusal.isEmpty else {
            return end(slot, index, .aborted)
        }
        listener.refusal.withUnsafeBytes { part(from: slot, index, saying: $0) }
    }

    private func count(_ refusal: ConnectionRefusal) {
        counters.refusalCountByReason[refusal, default: 0] += 1
    }

    /// The connection counts no longer.
    func leaveAdmission(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        let listener = listeners[Int(slot.pointee.listener)]
        listener.admission?.leave(table.aside(index).pointee.address)
    }

    /// Gives an accepted connection its handler; one we dialed has its own from the start.
    func open(_ slot: UnsafeMutablePointer<Slot>, _ index: UInt32) {
        if slot.pointee.handler == nil {
            let connection = Connection(reactor: self, token: table.token(index))
            let listener = listeners[Int(slot.pointee.listener)]
            slot.pointee.handler = Unmanaged.passRetained(listener.makeHandler(connection))
        }
        corked(slot, index) { $0.opened($1) }
    }
}
