// HubCounters: what the hub of one loop has counted since the loop began.
//
//   opened = open + the sum of ended          deliveries / messages = the mean number of receivers
//
// Thread: plain integers of one loop; other threads see copies.  Allocates: once per reason.

public struct HubCounters: Equatable, Sendable {
    /// Connections now, those in their handshake included.
    public var openCount = 0
    public var openedCount = 0
    public var openedCountByTransport: [HubTransport: Int] = [:]
    /// Sessions given up because their client did not fetch or acknowledge what waited for it.
    public var overflowCount = 0
    public var endedCountByReason: [HubEnd.Reason: Int] = [:]
    /// Messages with a receiver on this loop.
    public var messageCount = 0
    /// Messages queued on connections: one for n receivers counts n.
    public var deliveryCount = 0

    public init() {}
}

extension HubEnd {
    /// Why a connection ended, without its texts. The raw value is the stable name in counters.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        case closedByClient = "closed_by_client"
        case clientGone = "client_gone"
        case connectionLost = "connection_lost"
        case protocolViolation = "protocol_violation"
        case clientTimedOut = "client_timed_out"
        case authenticationExpired = "authentication_expired"
        case aborted
        case shutdown
        case connectFailed = "connect_failed"
        case handshakeFailed = "handshake_failed"
    }

    public var reason: Reason {
        switch self {
        case .closedByClient: .closedByClient
        case .clientGone: .clientGone
        case .connectionLost: .connectionLost
        case .protocolViolation: .protocolViolation
        case .clientTimedOut: .clientTimedOut
        case .authenticationExpired: .authenticationExpired
        case .aborted: .aborted
        case .shutdown: .shutdown
        case .connectFailed: .connectFailed
        case .handshakeFailed: .handshakeFailed
        }
    }
}
