// LoopMetrics: what one loop has counted.
//
// Thread: plain integers of one loop; other threads see copies.  Allocates: never.

/// Counters since the loop began; they only grow, but for those that say "now" and
/// `openConnectionCount`.
public struct LoopMetrics: Equatable, Sendable {
    /// Those that others have opened.
    public var openConnectionCount = 0
    public var acceptedCount: UInt64 = 0
    /// Accepted and closed at once: `connectionCountMax` or the process's descriptor limit.
    public var refusedCount: UInt64 = 0
    public var handshakeCount: UInt64 = 0
    /// Those of `handshakeCount` that went on from an earlier session.
    public var resumedHandshakeCount: UInt64 = 0
    public var handshakeFailureCounts: [TLSHandshakeFailure: UInt64] = [:]
    /// Times that accepting stopped at `handshakeCountMax`.
    public var handshakeLimitCount: UInt64 = 0
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
}
