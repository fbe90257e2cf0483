// Connection: the handle through which a handler speaks to its connection.
//
// It is two words, a loop and a token, and owns nothing: after the connection is closed every
// operation is a no-op. A handler may keep it; another thread may not have it (post the token
// through a Mailbox instead).
//
// Thread: the connection's loop.  Allocates: `send` copies what the socket does not take at once.

/// One connection of one loop.
public struct Connection {
    private let owner: Unmanaged<Reactor>
    public let token: EventToken

    init(reactor: Reactor, token: EventToken) {
        owner = Unmanaged.passUnretained(reactor)
        self.token = token
    }

    /// The loop this connection lives on. It outlives every connection of its own.
    public var reactor: Reactor { owner._withUnsafeGuaranteedRef { $0 } }

    /// False from the moment of a close, before `closed` is called.
    public var isOpen: Bool { owner._withUnsafeGuaranteedRef { $0.isOpen(token) } }
    public var isEncrypted: Bool { owner._withUnsafeGuaranteedRef { $0.isEncrypted(token) } }
    /// TLS went on from an earlier session; false without TLS.
    public var isSessionResumed: Bool {
        owner._withUnsafeGuaranteedRef { $0.isSessionResumed(token) }
    }
    /// Who is at the other end; where a proxy has named its client in a PROXY header, that one. At
    /// most one system call.
    public var peerAddress: PeerAddress {
        owner._withUnsafeGuaranteedRef { $0.peerAddress(token) }
    }
    /// Whom the client's certificate names ("CN=courier-7,O=Contoso", RFC 4514), which an authority of
    /// the listener vouches for; nil if it has shown none.
    public var clientCertificateSubject: String? {
        owner._withUnsafeGuaranteedRef { $0.clientCertificateSubject(token) }
    }
    /// Bytes accepted by `send` and not yet taken by the socket.
    public var queuedByteCount: Int {
        owner._withUnsafeGuaranteedRef { $0.queuedByteCount(token) }
    }
    /// True from the high-water mark until the queue has fallen to the low one.
    public var isBackpressured: Bool {
        owner._withUnsafeGuaranteedRef { $0.isBackpressured(token) }
    }

    /// Queues a copy of `bytes`. Everything sent within one callback leaves in one system call and
    /// one TLS record where it fits.
    public func send(_ bytes: UnsafeRawBufferPointer) {
        owner._withUnsafeGuaranteedRef { $0.send(bytes, to: token) }
    }

    public func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { send($0) } }

    public func send(_ text: StaticString) {
        send(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Queues a message in two parts, both or, where there is no room, neither.
    public func send(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) {
        owner._withUnsafeGuaranteedRef { $0.send(head, body, to: token) }
    }

    /// Queues a copy of a whole control frame in front of shared payloads that wait, whatever the
    /// bound. An earlier one that still waits gives way to it.
    public func send(control frame: [UInt8]) {
        frame.withUnsafeBytes { bytes in
            owner._withUnsafeGuaranteedRef { $0.send(control: bytes, to: token) }
        }
    }

    /// Queues one more reference to a payload; the queue retains it until it is sent.
    public func send(_ payload: SharedBytes) {
        owner._withUnsafeGuaranteedRef { $0.send(payload, to: token) }
    }

    /// From now on what waits is bounded by a rule of the loop.
    public func obey(_ rule: OutboundRule.Number) {
        owner._withUnsafeGuaranteedRef { $0.apply(rule, to: token) }
    }

    /// No `received` until `resumeReading`; what has arrived waits, and TCP holds the peer back.
    public func pauseReading() { owner._withUnsafeGuaranteedRef { $0.pauseReading(token) } }

    /// Delivers what is waiting in the next phase of the tick, then reads on.
    public func resumeReading() { owner._withUnsafeGuaranteedRef { $0.resumeReading(token) } }

    /// Asks for `received` to be called again with what it left, without waiting for the peer:
    /// how a handler that used up its budget lets other connections run.
    public func continueLater() { owner._withUnsafeGuaranteedRef { $0.continueLater(token) } }

    /// Arms the connection's one timer, replacing an earlier deadline. Resolution: 16 ms.
    public func armTimer(after delay: Duration) {
        owner._withUnsafeGuaranteedRef { $0.armTimer(token, at: $0.now.advanced(by: delay)) }
    }

    /// The same for a known deadline; one that has passed is due with the next tick.
    public func armTimer(at deadline: MonotonicInstant) {
        owner._withUnsafeGuaranteedRef { $0.armTimer(token, at: deadline) }
    }

    public func disarmTimer() { owner._withUnsafeGuaranteedRef { $0.disarmTimer(token) } }

    /// Hands the connection to another handler (an upgrade). Bytes the old one has not consumed go
    /// to the new one at once; the old handler gets no further call, `closed` included.
    public func replaceHandler(with handler: ConnectionHandler) {
        owner._withUnsafeGuaranteedRef { $0.replaceHandler(token, with: handler) }
    }

    /// Sends what is queued, then closes. With `lingering`, our half is closed first and input is
    /// thrown away for a moment, so that a peer still sending gets our last words instead of a reset.
    public func closeAfterFlush(lingering: Bool = false) {
        owner._withUnsafeGuaranteedRef { $0.closeAfterFlush(token, lingering: lingering) }
    }

    /// Closes at once with a TCP reset; what is queued is lost.
    public func abort(_ reason: CloseReason = .aborted) {
        owner._withUnsafeGuaranteedRef { $0.abort(token, reason) }
    }
}

@available(*, unavailable)
extension Connection: Sendable {}
