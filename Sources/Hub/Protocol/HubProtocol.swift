// HubProtocol: the wire formats a connection can agree on in its handshake.
//
//                 json                    messagepack
//   message       object                  array
//   framing       separator behind it     length in front of it
//   transport     text                    binary
//
// An enum and not a protocol with conforming types: the set is closed, a connection stores one byte,
// and the compiler names every place where a new format must be taken care of.
//
// Thread: a pure value, any thread.  Allocates: what the format's own file says.
// Source: SignalR HubProtocol, "Overview", "JSON Encoding", "MessagePack (MsgPack) encoding".

import WS

/// A wire format of the hub.
public enum HubProtocol: Sendable, CaseIterable {
    // In the order in which an envelope between pods has them.
    case json
    case messagePack

    /// Version 2 differs from 1 only by stateful reconnect; lower numbers are accepted as they are.
    public static let versionMax = 2

    /// The name in the handshake, compared without regard to case.
    public var name: String {
        switch self {
        case .json: "json"
        case .messagePack: "messagepack"
        }
    }

    /// What its transport must be able to carry.
    public var transferFormat: TransferFormat {
        switch self {
        case .json: .text
        case .messagePack: .binary
        }
    }

    /// The opcode of the WebSocket messages that carry it, the handshake's answer included.
    public var messageKind: MessageKind { transferFormat.messageKind }

    /// Reads one record, its framing removed.
    /// - Returns: nil for a message type that we do not know; the connection goes on.
    public func decode(
        _ record: UnsafeRawBufferPointer
    ) throws(HubProtocolError) -> HubMessage? {
        switch self {
        case .json: try JSONHubProtocol.decode(record)
        case .messagePack: try MessagePackHubProtocol.decode(record)
        }
    }

    /// One ping with its framing.
    public var ping: [UInt8] {
        switch self {
        case .json: JSONHubProtocol.ping
        case .messagePack: MessagePackHubProtocol.ping
        }
    }

    /// Whether these bytes are one ping with its framing, as all known clients write it.
    func isPing(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .json: JSONHubProtocol.isPing(bytes)
        case .messagePack: MessagePackHubProtocol.isPing(bytes)
        }
    }

    /// The message with its framing, ready to be put into a transport.
    ///
    /// - Throws: where a value in it has no form in this format; never for a message without values.
    ///   .NET ends a connection to which something cannot be said.
    public func encode(_ message: HubMessage) throws(HubValueError) -> [UInt8] {
        switch self {
        case .json: try JSONHubProtocol.encode(message)
        case .messagePack: try MessagePackHubProtocol.encode(message)
        }
    }
}

/// What a transport must be able to carry for a protocol.
public enum TransferFormat: String, Sendable {
    case text = "Text"
    case binary = "Binary"

    /// The opcode of the WebSocket messages that carry it.
    var messageKind: MessageKind { self == .binary ? .binary : .text }
}
