// HubCounters: what the hub of one loop has counted since the loop began.
//
//   opened = open + the sum of ended          deliveries / messages = the mean number of receivers
//
// Thread: plain integers of one loop; other threads see copies.  Allocates: once per reason.

public struct HubCounters: Equatable, Sendable {
    /// Connections now, those in their handshake included.
    public var openCount = 0
    public var openCountByTransport: [HubTransport: Int] = [:]
    public var openedCount = 0
    public var hitCountByLimit: [HubLimit: Int] = [:]
    public var endedCountByReason: [HubEnd.Reason: Int] = [:]
    /// Messages with a receiver on this loop.
    public var messageCount = 0
    /// Messages queued on connections: one for n receivers counts n.
    public var deliveryCount = 0
    /// Messages compressed, one for n receivers once, and the bytes by which they became shorter.
    public var compressedCount = 0
    public var compressionSavedByteCount = 0

    /// Pushes left out for clients that fetch and did not; those on sockets the loop has counted.
    public var droppedCount = 0
    public var supersededCount = 0

    public init() {}
}

/// What a client has run into. The raw value is the stable name in counters.
public enum HubLimit: String, Hashable, Sendable, CaseIterable {
    /// An invocation waited for `HubOptions.parallelInvocationCountMax`.
    case parallelInvocations = "parallel_invocations"
    /// An invocation waited for `HubOptions.invocationCountMax`.
    case invocations
    /// An upload held `HubOptions.uploadItemCountMax` items, and the client was not read.
    case uploadItems = "upload_items"
    /// A POST waited for `HubOptions.postedByteCountMax`.
    case postedBytes = "posted_bytes"
    /// A stream's item waited for its client to catch up.
    case streamWaits = "stream_waits"
    /// A client did not fetch or acknowledge `HubOptions.waitingByteCountMax`.
    case waitingBytes = "waiting_bytes"
    /// A client was read more slowly because of `HubOptions.messageRate`.
    case messageRate = "message_rate"
    /// A connection was refused: `HubOptions.connectRate`.
    case connectRate = "connect_rate"
    /// A connection was refused: `HubOptions.userConnectionCountMax`.
    case userConnections = "user_connections"
    /// A connection was refused, or offered WebSockets only: `HubOptions.sessionCountMax`.
    case sessions
}

extension HubEnd {
    /// Why a connection ended, without its texts. The raw value is the stable name in counters.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        case closedByClient = "closed_by_client"
        case clientGone = "client_gone"
        case connectionLost = "connection_lost"
        case slowClient = "slow_client"
        case protocolViolation = "protocol_violation"
        case clientTimedOut = "client_timed_out"
        case authenticationExpired = "authentication_expired"
        case aborted
        case unwritable
        case shutdown
        case retired = "max_age"
        case connectFailed = "connect_failed"
        case handshakeFailed = "handshake_failed"
    }

    public var reason: Reason {
        switch self {
        case .closedByClient: .closedByClient
        case .clientGone: .clientGone
        case .connectionLost: .connectionLost
        case .slowClient: .slowClient
        case .protocolViolation: .protocolViolation
        case .clientTimedOut: .clientTimedOut
        case .authenticationExpired: .authenticationExpired
        case .aborted: .aborted
        case .unwritable: .unwritable
        case .shutdown: .shutdown
        case .retired: .retired
        case .connectFailed: .connectFailed
        case .handshakeFailed: .handshakeFailed
        }
    }
}
