// LoopMetrics: what one loop has counted.
//
// Thread: plain values of one loop; other threads see copies.  Allocates: once per reason.

/// Counters since the loop began; they only grow, but for the first three, `lag` and those that say
/// "now".
public struct LoopMetrics: Equatable, Sendable {
    /// Those that others have opened.
    public var openConnectionCount = 0
    /// Armed deadlines, of connections and of the loop's own.
    public var timerCount = 0
    /// Pieces of output that wait for their socket.
    public var segmentCount = 0
    public var acceptedCount: UInt64 = 0
    /// Accepted and closed at once.
    public var refusalCountByReason: [ConnectionRefusal: UInt64] = [:]
    /// Times the listeners began to rest.
    public var pauseCountByReason: [AcceptPause: UInt64] = [:]
    /// By how much the loop is late, averaged over about a second.
    public var lag: Duration = .zero
    public var handshakeCount: UInt64 = 0
    /// Those of `handshakeCount` that went on from an earlier session.
    public var resumedHandshakeCount: UInt64 = 0
    public var handshakeFailureCounts: [TLSHandshakeFailure: UInt64] = [:]
    /// Connections closed instead of taken over from a proxy.
    public var proxyRefusalCountByReason: [ProxyHeaderViolation: UInt64] = [:]
    public var receivedByteCount: UInt64 = 0
    public var sentByteCount: UInt64 = 0
    /// Events, timers and replies for connections that were gone.
    public var staleTokenCount: UInt64 = 0
    public var slowConsumerCount: UInt64 = 0
    /// Given up by the kernel.
    public var silentPeerCount: UInt64 = 0
    /// Payloads left out because their connection did not read.
    public var droppedCount: UInt64 = 0
    /// The same because a newer one about the same subject waits.
    public var supersededCount: UInt64 = 0
    /// Queues shed because the process held too much.
    public var budgetShedCount: UInt64 = 0
    /// Memory of what waits to be sent, now.
    public var outboundByteCount = 0
    public var leftoverOverflowCount: UInt64 = 0
    public var tickCount: UInt64 = 0

    public init() {}

    public var refusedCount: UInt64 { refusalCountByReason.values.reduce(0, +) }
}
