// HubProtocol: the wire formats a connection can agree on in its handshake.
//
// An enum and not a protocol with conforming types: the set is closed, a connection stores one byte,
// and the compiler names every place where a new format must be taken care of.
//
// Thread: a pure value, any thread.  Allocates: what the format's own file says.
// Source: SignalR HubProtocol, "Overview"; HubProtocol.md "JSON Encoding".

/// A wire format of the hub.
public enum HubProtocol: Sendable, CaseIterable {
    case json

    /// Version 2 differs from 1 only by stateful reconnect; lower numbers are accepted as they are.
    public static let versionMax = 2

    /// The name in the handshake, compared without regard to case.
    public var name: String {
        switch self {
        case .json: "json"
        }
    }

    /// Decides the opcode of the WebSocket messages that carry it.
    public var transferFormat: TransferFormat {
        switch self {
        case .json: .text
        }
    }

    /// Reads one record, its framing removed.
    /// - Returns: nil for a message type that we do not know; the connection goes on.
    public func decode(
        _ record: UnsafeRawBufferPointer
    ) throws(HubProtocolError) -> HubMessage? {
        switch self {
        case .json: try JSONHubProtocol.decode(record)
        }
    }

    /// Whether these bytes are one ping with its framing, as all known clients write it.
    func isPing(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .json: JSONHubProtocol.isPing(bytes)
        }
    }

    /// The message with its framing, ready to be put into a transport.
    public func encode(_ message: HubMessage) -> [UInt8] {
        switch self {
        case .json: JSONHubProtocol.encode(message)
        }
    }
}

/// What a transport must be able to carry for a protocol.
public enum TransferFormat: String, Sendable {
    case text = "Text"
    case binary = "Binary"
}
