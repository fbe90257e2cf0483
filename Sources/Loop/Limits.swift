// Limits: every limit of the loop, with its unit, its default and what happens when it is hit.
//
// The limits of HTTP, WebSocket and the hub stand in files of the same kind in their modules;
// docs/LIMITS.md lists all of them with the flag that sets each.
//
// Thread: a pure value.

/// Limits of one reactor.
public struct Limits: Sendable {
    /// Connections one loop holds; more are accepted and closed at once, and counted. What holds for
    /// all loops of a process together is `Admission`'s.
    public var connectionCountMax = 16_384
    /// Accepts over time, looked at every 50 ms; the rest wait in the listen queue. Nil: no limit.
    public var acceptRate: RateLimit?
    /// Lag, averaged over a second, from which requests that can be repeated are answered 503. Zero:
    /// never.
    public var lagShedding: Duration = .zero
    /// The same from which new connections wait in the listen queue. Zero: never.
    public var lagRefusing: Duration = .zero
    /// Accepts per listener and tick; the rest wait for the next tick.
    public var acceptCountPerTick = 64
    /// TLS handshake steps per tick. A full P-256 handshake costs about 0.45 ms, so 16 of them
    /// bound what a reconnect storm adds to everybody's latency to some 7 ms.
    public var handshakeCountPerTick = 16
    /// TLS handshakes of strangers under way, each with some 40 KB of OpenSSL's; at the limit nobody
    /// is accepted for TLS, and those who come wait in the kernel.
    public var handshakeCountMax = 2048
    /// Time from accept to the end of the TLS handshake; then the connection is cut.
    public var handshakeTimeout: Duration = .seconds(15)
    /// Time from accept to the end of the PROXY header, where a listener wants one.
    public var proxyHeaderTimeout: Duration = .seconds(5)
    /// Bytes taken from one socket per tick.
    public var readByteCountPerTick = 64 * 1024
    /// Bytes a handler may leave unconsumed; more cuts the connection.
    public var leftoverByteCountMax = 256 * 1024
    /// Bytes written to one socket per tick before other connections get their turn.
    public var writeByteCountPerTick = 256 * 1024
    /// From here on `Connection.isBackpressured` is true.
    public var outboundByteCountHigh = 64 * 1024
    /// At or below this `becameWritable` is called.
    public var outboundByteCountLow = 16 * 1024
    /// More than this queued on one connection cuts it (`CloseReason.slowConsumer`).
    public var outboundByteCountMax = 4 * 1024 * 1024
    /// The same for connections we have dialed: a server of ours may rest for a moment.
    public var dialedOutboundByteCountMax = 64 * 1024 * 1024
    /// What all loops of a group hold together for peers that have not taken it; beyond it the
    /// longest queues are shed. Sockets' buffers in the kernel come on top.
    public var outboundMemoryByteCountMax = 256 * 1024 * 1024
    /// Queued output that makes no progress for this long cuts the connection.
    public var writeStallTimeout: Duration = .seconds(10)
    /// SO_SNDBUF of accepted sockets, in bytes; the kernel doubles it. Without it Linux lets one
    /// reader that stops pin 4 MiB in the kernel, where no limit of ours sees it.
    public var socketSendByteCount = 64 * 1024
    /// After a refusal: how long, and how many bytes of, further input is thrown away before the
    /// close, so that the peer can read the answer.
    public var lingerTimeout: Duration = .seconds(2)
    public var lingerByteCountMax = 8 * 1024 * 1024
    /// A peer whose kernel answers nothing for this long, keep-alive probes included, or whose receive
    /// buffer stays full for as long, has its connection ended. Whole seconds, at least 4.
    public var acceptedSilenceTimeout: Duration = .seconds(60)
    /// Length of the listen queue; the kernel caps it at net.core.somaxconn.
    public var listenBacklog = 4096
    /// A peer we dialed that answers nothing for this long, keep-alive probes included, is given up.
    /// Whole seconds, at least 4.
    public var dialedSilenceTimeout: Duration = .seconds(20)
    /// Addresses tried of one name; more are ignored.
    public var dialedAddressCountMax = 16
    /// Timers of no connection, `Reactor.every` and `Reactor.after` together; more is our bug.
    public var loopTimerCountMax = 1024

    public init() {}

    /// Traps if the limits contradict each other: a wrong combination is a programmer's error, as
    /// the configuration checks single values before.
    public func validate() {
        precondition(connectionCountMax > 0)
        precondition(acceptCountPerTick > 0)
        precondition(handshakeCountPerTick > 0)
        precondition(handshakeCountMax > 0)
        precondition(readByteCountPerTick >= 16 * 1024, "one TLS record must fit a read")
        precondition(leftoverByteCountMax >= 2 * readByteCountPerTick)
        precondition(outboundByteCountLow < outboundByteCountHigh)
        precondition(outboundByteCountHigh < outboundByteCountMax)
        precondition(outboundByteCountMax <= 1 << 30, "a queue counts its bytes in 32 bits")
        precondition(dialedOutboundByteCountMax <= 1 << 30)
        precondition(outboundMemoryByteCountMax >= outboundByteCountMax)
        precondition(writeByteCountPerTick >= 16 * 1024)
        precondition(acceptedSilenceTimeout >= .seconds(4))
        precondition(dialedSilenceTimeout >= .seconds(4))
        precondition(dialedAddressCountMax > 0)
        precondition(loopTimerCountMax > 0)
    }
}
