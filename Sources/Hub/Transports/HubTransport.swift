// HubTransport: how the bytes of a hub connection travel, in the order they are offered.
//
// Thread: a pure value.  Source: SignalR TransportProtocols; names as .NET writes them.

public enum HubTransport: String, Sendable, CaseIterable {
    case webSockets = "WebSockets"
    case serverSentEvents = "ServerSentEvents"
    case longPolling = "LongPolling"

    /// What it can carry. WebSockets list Binary whatever protocols the hub speaks, as .NET does.
    public var formats: [TransferFormat] {
        switch self {
        case .webSockets, .longPolling: [.text, .binary]
        case .serverSentEvents: [.text]
        }
    }
}
