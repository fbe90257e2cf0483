// HubEnd: why a hub connection ended, and what its client is told.
//
//   hub Close message ─▶ WebSocket close 1000         both only while the socket is open
//
// Thread: a pure value.  Allocates: the texts.
// Source: SignalR HubProtocol, "Close Message"; rows and texts as .NET 8.

/// Why a connection ended; handed to the hub's `onDisconnected`.
public enum HubEnd: Equatable, Sendable {
    /// The client sent a Close message, with the error it gave.
    case closedByClient(error: String?)
    /// The transport ended in an orderly way.
    case clientGone
    /// The transport broke.
    case connectionLost
    /// The client did not read what was sent to it (`HubOptions.slowClient`).
    case slowClient
    case protocolViolation(HubProtocolError)
    /// A client that pings was silent for `HubOptions.clientTimeout`.
    case clientTimedOut
    case authenticationExpired
    /// The hub called `abort`.
    case aborted
    case shutdown
    /// It was older than `HubOptions.connectionAgeMax`.
    case retired
    /// Something that the hub has sent, or a method has answered, cannot be written in the client's
    /// protocol.
    case unwritable(HubValueError)
    /// The hub's `onConnected` refused, with an error if it has one; `onDisconnected` is not called.
    case connectFailed(HubOutcome?)
    /// The hub has not seen the connection.
    case handshakeFailed

    /// The last hub message; nil where there is none.
    func closeMessage(withDetails: Bool) -> CloseMessage? {
        let text = "Connection closed with an error."
        switch self {
        case .closedByClient, .aborted, .unwritable: return CloseMessage()
        case .clientGone, .connectionLost, .slowClient, .shutdown, .retired,
            .authenticationExpired:
            return CloseMessage(allowReconnect: true)
        case .protocolViolation(let error):
            let detail = withDetails ? " InvalidDataException: \(error.detail)" : ""
            return CloseMessage(error: text + detail, allowReconnect: true)
        case .clientTimedOut:
            let detail =
                " OperationCanceledException: Client hasn't sent a message/ping "
                + "within the configured ClientTimeoutInterval."
            return CloseMessage(error: text + (withDetails ? detail : ""), allowReconnect: true)
        case .connectFailed(let error):
            return CloseMessage(error: text + (error?.detail(whenDetailed: withDetails) ?? ""))
        case .handshakeFailed: return nil
        }
    }
}
