// WSLimits: every limit of a WebSocket connection; docs/LIMITS.md lists all limits.
//
// Thread: a pure value.

public struct WSLimits: Sendable {
    /// Bytes of one message over all its fragments; more closes with 1009 as soon as a header says
    /// so. SignalR's default for what a client may send.
    public var messageByteCountMax = 32 * 1024
    /// Frames of one connection handled before other connections get their turn. Bounds what a flood
    /// of empty fragments or pings costs the others to some 50 µs.
    public var frameCountPerTick = 1024
    /// How long we wait for the answer to our Close frame; then the connection is cut.
    public var closeTimeout: Duration = .seconds(5)

    public init() {}

    /// Traps if a limit makes no sense: the configuration checks values before.
    public func validate() {
        precondition(messageByteCountMax > 0)
        precondition(frameCountPerTick > 0)
        precondition(closeTimeout > .zero)
    }
}
