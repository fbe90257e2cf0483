// OrderNotifier: tells every tab of a user, on whichever pod each is.
//
// Thread: any worker thread.

/// The backplane could not take the message; nobody was told, or only the local tabs were.
public struct NotifierError: Error, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
}

/// The end of an order, and whom to tell of it.
public struct OrderPush: Equatable, Sendable {
    public var user: String
    public var event: OrderProcessed
    public init(user: String, event: OrderProcessed) {
        self.user = user
        self.event = event
    }
}

public protocol OrderNotifier: Sendable {
    /// Sends each `Notification` to its user's connections; returns once the backplane has them all,
    /// or has refused. A batch, so that a remote backplane costs one wait and not one per push.
    ///
    /// - Returns: one entry per push, in order; nil where the backplane has it.
    func notify(_ pushes: [OrderPush]) -> [NotifierError?]

    /// The same for the connections of this process only.
    func notifyHere(_ push: OrderPush)
}
