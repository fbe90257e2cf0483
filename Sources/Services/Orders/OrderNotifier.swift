// OrderNotifier: tells every tab of a user, on whichever pod each is.
//
// Thread: any worker thread.

/// The backplane could not take the message; nobody was told, or only the local tabs were.
public struct NotifierError: Error, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
}

public protocol OrderNotifier: Sendable {
    /// Sends `Notification` to the user's connections; returns once the backplane has it.
    func notify(user: String, of event: OrderProcessed) throws(NotifierError)
}
