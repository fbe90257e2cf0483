// LoopMetrics: what one loop has counted.
//
// Thread: plain integers of one loop; other threads see copies.  Allocates: never.

/// Counters since the loop began; they only grow, but for `openConnectionCount`.
public struct LoopMetrics: Equatable, Sendable {
    /// Those that others have opened.
    public var openConnectionCount = 0
    public var acceptedCount: UInt64 = 0
    /// Accepted and closed at once: `connectionCountMax` or the process's descriptor limit.
    public var refusedCount: UInt64 = 0
    public var handshakeCount: UInt64 = 0
    public var handshakeFailedCount: UInt64 = 0
    public var receivedByteCount: UInt64 = 0
    public var sentByteCount: UInt64 = 0
    /// Events, timers and replies for connections that were gone.
    public var staleTokenCount: UInt64 = 0
    public var slowConsumerCount: UInt64 = 0
    /// Given up by the kernel.
    public var silentPeerCount: UInt64 = 0
    public var leftoverOverflowCount: UInt64 = 0
    public var tickCount: UInt64 = 0

    public init() {}
}
