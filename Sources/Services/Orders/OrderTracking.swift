// OrderTracking: what the hub may tell a user about an order.
//
//   state says COMPLETED|id ──▶ that          the fast way, and the common one
//   else the order's row    ──▶ that          the truth
//   else whatever the state says              a foreign producer's order that has no row yet
//
// Only the owner is told. To anybody else the answer is the same as for an order that does not exist,
// so a correlation id gives nothing away.
//
// Thread: any worker thread; calls block.

import Loop

/// An order's progress as its owner is told.
public struct TrackedStatus: Equatable, Sendable {
    public var status: OrderStatus
    /// Known once completed, and not even then if only the word was kept.
    public var orderID: Int64?
    /// From the row; nil before completion or while the database is away.
    public var completedAt: WallTime?

    public init(status: OrderStatus, orderID: Int64?, completedAt: WallTime?) {
        self.status = status
        self.orderID = orderID
        self.completedAt = completedAt
    }
}

public struct OrderTracking: Sendable {
    private let store: any OrderStore
    private let state: any WorkflowState

    public init(store: any OrderStore, state: any WorkflowState) {
        self.store = store
        self.state = state
    }

    /// `RegisterOrder`: binds an order nobody owns to the user.
    ///
    /// Never fails, and the client gets the same answer whoever owns the order.
    ///
    /// - Returns: the order if it is the user's and completed, so that the hub can push it again to a
    ///   connection that may have missed it (the push can overtake the answer to the POST). Nil
    ///   otherwise.
    public func register(_ correlation: CorrelationID, by user: String) -> TrackedStatus? {
        let row: OrderState?
        do { row = try store.orderState(correlation) } catch {
            // Without the row the owner is not known, and a stranger must not become it.
            return nil
        }
        if let row, !isOwner(user, of: row.user) { return nil }
        // Best effort: with a row the owner is known anyway, without one there is nothing to lose.
        _ = try? state.claim(correlation, for: user)
        guard let row, row.status == .completed else { return nil }
        return TrackedStatus(status: .completed, orderID: row.id, completedAt: row.completedAt)
    }

    /// `GetCurrentStatus`: nil for an unknown order and for another user's.
    ///
    /// - Throws: if the database is away and the state knows nothing either.
    public func currentStatus(
        _ correlation: CorrelationID, for user: String
    ) throws(StoreError) -> TrackedStatus? {
        let kept = keptStatus(correlation, for: user)
        if let kept, kept.status == .completed, kept.orderID != nil { return kept }
        if Sabotage.isOn(.noFallback) { return kept }
        let row: OrderState?
        do { row = try store.orderState(correlation) } catch {
            if let kept { return kept }
            throw error
        }
        guard let row else { return kept }
        if !isOwner(user, of: row.user) { return nil }
        let isCompleted = row.status == .completed
        return TrackedStatus(
            status: row.status, orderID: isCompleted ? row.id : nil, completedAt: row.completedAt)
    }

    /// What the workflow state says to its owner; nil also if it is away.
    private func keptStatus(_ correlation: CorrelationID, for user: String) -> TrackedStatus? {
        do {
            guard let owner = try state.owner(correlation), isOwner(user, of: owner) else {
                return nil
            }
            guard let kept = try state.status(correlation) else { return nil }
            return TrackedStatus(status: kept.status, orderID: kept.orderID, completedAt: nil)
        } catch {
            return nil
        }
    }

    private func isOwner(_ user: String, of owner: String) -> Bool {
        Sabotage.isOn(.noOwnerCheck) || owner.isSameUser(as: user)
    }
}
