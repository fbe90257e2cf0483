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

    /// The stored word: `ACCEPTED`, `PROCESSING`, `COMPLETED|42`.
    public var text: String { orderID.map { "\(status.word)|\($0)" } ?? status.word }

    /// Reads the stored word in any case. `COMPLETED` alone or with something after the bar that is
    /// no order id means completed with the id unknown. Nil for any other text.
    public init?(text: String) {
        let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        guard let status = OrderStatus(word: String(parts[0])) else { return nil }
        if parts.count == 2 && status != .completed { return nil }
        let id = parts.count == 2 ? Int64(parts[1]) : nil
        self.init(status: status, orderID: id.flatMap { $0 >= 1 ? $0 : nil })
    }
}

public protocol WorkflowState: Sendable {
    /// Writes the owner, and ACCEPTED unless the order has a status, with a fresh TTL.
    func begin(_ orders: [(correlation: CorrelationID, user: String)]) throws(WorkflowStateError)
    /// Moves each status on if its key exists, never backwards, and refreshes both TTLs. A batch, so
    /// that a remote store needs one round trip.
    func advance(_ changes: [(correlation: CorrelationID, status: WorkflowStatus)])
        throws(WorkflowStateError)
    func status(_ correlation: CorrelationID) throws(WorkflowStateError) -> WorkflowStatus?
    /// Each order's owner by the canonical key, else by the legacy one (which is then copied); nil
    /// where there is neither. A batch, as `advance`.
    func owners(_ correlations: [CorrelationID]) throws(WorkflowStateError) -> [String?]
    /// Writes the owner unless another one is there; returns the owner now in force.
    func claim(_ correlation: CorrelationID, for user: String) throws(WorkflowStateError) -> String
}

extension WorkflowState {
    public func owner(_ correlation: CorrelationID) throws(WorkflowStateError) -> String? {
        try owners([correlation])[0]
    }
}
