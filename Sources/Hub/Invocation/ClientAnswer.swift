// ClientAnswer: what becomes of a question that the hub asks one client (a "client result").
//
//   ask ─▶ type 1 with an id ─▶ client ─▶ type 3 ─▶ result, error
//     └─ nobody has that id ─▶ unknown      └─ the client goes first ─▶ disconnected
//
// Thread: a pure value.  Source: ASP.NET Core SignalR, "Client results"; texts as .NET 8.

public enum ClientAnswer: Equatable, Sendable {
    /// A client method without a value gives null.
    case result(RawValue)
    /// The client's own text.
    case error(String)
    /// No pod holds a connection with that id.
    case unknown(connectionID: String)
    case disconnected(connectionID: String)
    /// The pod that may hold the connection cannot be asked.
    case unavailable(reason: String)

    /// The text of the error that the asking method gets; nil for a result.
    public var errorText: String? {
        switch self {
        case .result: nil
        case .error(let text): text
        case .unknown(let id): "Connection '\(id)' does not exist."
        case .disconnected(let id): "Connection '\(id)' disconnected."
        case .unavailable(let reason): reason
        }
    }
}

/// A question on its way to the pod or the loop that holds the client.
public struct ClientQuestion: Sendable {
    public let connectionID: String
    /// Unique in the cluster: 22 characters.
    public let invocationID: String
    /// A type 1 message with that id.
    public let invocation: EncodedInvocation
}
