// WorkflowState: who waits for which order, and how far it is; a cache that may be empty.
//
//   order:map:{guid}     user id                                       TTL of WorkflowState:Ttl
//   order:status:{guid}  ACCEPTED | PROCESSING | COMPLETED|<orderId>   the same
//   ws:session:{guid}    user id, legacy; read only
//
// The truth is the OrderStore: every reader falls back to it when a key is missing, and every writer
// may fail without failing the order.
//
// Thread: any worker thread.

import Loop

/// The state store is away; the caller goes on without it.
public struct WorkflowStateError: Error, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
}

public struct WorkflowStatus: Equatable, Sendable {
    public var status: OrderStatus
    /// Known once completed.
    public var orderID: Int64?
    public init(status: OrderStatus, orderID: Int64?) {
        self.status = status
        self.orderID = orderID
    }
}

public protocol WorkflowState: Sendable {
    /// Writes owner and ACCEPTED for new orders, with a fresh TTL.
    func begin(_ orders: [(correlation: CorrelationID, user: String)]) throws(WorkflowStateError)
    /// Moves the status on if the key exists, never backwards, and refreshes both TTLs.
    func advance(_ correlation: CorrelationID, to status: WorkflowStatus)
        throws(WorkflowStateError)
    func status(_ correlation: CorrelationID) throws(WorkflowStateError) -> WorkflowStatus?
    /// The owner by the canonical key, else by the legacy one (which is then copied).
    func owner(_ correlation: CorrelationID) throws(WorkflowStateError) -> String?
    /// Writes the owner unless another one is there; returns the owner now in force.
    func claim(_ correlation: CorrelationID, for user: String) throws(WorkflowStateError) -> String
}
