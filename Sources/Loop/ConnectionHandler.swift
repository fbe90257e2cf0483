// ConnectionHandler: what a protocol layer implements to sit on a connection.
//
//   opened ─▶ received* ─▶ (peerClosed) ─▶ closed          received, becameWritable and timerFired
//                                                          may come in any order in between
//
// A class with virtual methods and not a protocol: the reactor keeps one unmanaged reference per
// connection and calls through it without a retain; a stored existential would cost one.
//
// Thread: the connection's loop; never two callbacks at once.  Allocates: never by itself.

/// How a connection came to its end.
public enum CloseReason: Equatable, Sendable, CustomStringConvertible {
    /// We closed after everything was sent.
    case finished
    /// The peer closed, or its end reset the connection.
    case peerGone
    /// The handler, or a limit of the reactor, cut it.
    case aborted
    /// The TLS handshake failed or took too long; `opened` was never called.
    case handshakeFailed
    /// Output made no progress for `Limits.writeStallTimeout`, or more was queued than
    /// `Limits.outboundByteCountMax`, an `OutboundRule` or the budget of the process allows.
    case slowConsumer
    /// The peer ended TLS because of something it did not like.
    case alert(TLSAlert)

    /// The peer has ended TLS or the connection, maybe with an alert.
    init(lastAlert: TLSAlert?) { self = lastAlert.map { .alert($0) } ?? .peerGone }

    /// In words for an operator, behind "the connection is lost:".
    public var description: String {
        switch self {
        case .finished, .aborted: "we closed it"
        case .peerGone: "the other side or the network closed it"
        case .handshakeFailed: "the TLS handshake failed"
        case .slowConsumer: "the other side took no more bytes"
        case .alert(let alert): "the other side sent the TLS alert \(alert)"
        }
    }
}

/// Base class of everything that handles a connection: HTTP, WebSocket, a test's echo.
open class ConnectionHandler {
    public init() {}

    /// The connection is ready for bytes: accepted, and the TLS handshake is done where there is one.
    open func opened(_ connection: Connection) {}

    /// Bytes have arrived.
    ///
    /// - Parameter bytes: everything received and not consumed yet. The handler may write into it
    ///   (unmask in place); the memory is the loop's and valid during the call only.
    /// - Returns: how many bytes from the front are consumed. The rest is kept and comes again,
    ///   in front of what arrives next. Zero means "incomplete, wait for more".
    open func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: Connection) -> Int {
        bytes.count
    }

    /// The peer will send no more. The default closes after what is queued has been sent.
    open func peerClosed(_ connection: Connection) { connection.closeAfterFlush() }

    /// The queue fell to the low-water mark after it had risen above the high one.
    open func becameWritable(_ connection: Connection) {}

    /// More waits than the connection's `OutboundRule` allows. What could be left out is; the handler
    /// may still say why it ends, and must end. The default cuts.
    open func overflowed(_ connection: Connection) { connection.abort(.slowConsumer) }

    /// The timer armed with `Connection.armTimer` is due.
    open func timerFired(_ connection: Connection) {}

    /// The server is shutting down: finish what is in flight, then close. The default closes.
    open func drain(_ connection: Connection) { connection.closeAfterFlush() }

    /// The last callback, exactly once after `opened`; the connection can no longer be used.
    open func closed(_ connection: Connection, reason: CloseReason) {}
}
