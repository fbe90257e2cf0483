// HubProtocolError: how a client broke the hub protocol; its connection ends.
//
// Thread: pure values.  Allocates: the texts.
// Source: SignalR HubProtocol; .NET 8 for which of them end a connection.

public enum HubProtocolError: Error, Equatable, Sendable {
    case json(JSONError)
    case messagePack(MessagePackError)
    /// The record is JSON but not an object.
    case notAnObject
    /// The message is MessagePack but not an array.
    case notAnArray
    /// Not there, or empty where it must not be.
    case missing(EnvelopeField)
    case wrongType(EnvelopeField)
    /// A completion carried both `result` and `error`.
    case resultAndError
    /// A completion's kind is neither error nor void nor result.
    case unknownResultKind(Int64)
    /// A record is longer than the limit, in bytes including its framing.
    case recordTooLong(byteCountMax: Int)
    /// A length prefix says 2 GiB or more.
    case malformedLengthPrefix
    /// The stream ended inside a record.
    case terminatedInsideRecord
    /// A client with stateful reconnect has skipped messages.
    case sequenceGap

    /// The text shown to the client when detailed errors are on.
    public var detail: String {
        switch self {
        case .json(let error): "Error reading JSON: \(error)."
        case .messagePack(let error): "Error reading MessagePack: \(error)."
        case .notAnObject: "Unexpected JSON token; expected an object."
        case .notAnArray: "Unexpected MessagePack value; expected an array."
        case .missing(let field): "Missing required property '\(field)'."
        case .wrongType(let field): "Property '\(field)' has the wrong type."
        case .resultAndError: "The 'error' and 'result' properties are mutually exclusive."
        case .unknownResultKind(let kind): "Invalid invocation result kind \(kind)."
        case .recordTooLong(let byteCountMax):
            "The maximum message size of \(byteCountMax)B was exceeded. "
                + "The message size can be configured in AddHubOptions."
        case .malformedLengthPrefix: "Messages over 2GB in size are not supported."
        case .sequenceGap: "Sequence ID greater than amount of messages we've received."
        case .terminatedInsideRecord: "Connection terminated while reading a message."
        }
    }
}

/// The names of the envelope's fields.
public enum EnvelopeField: String, Equatable, Sendable, CustomStringConvertible {
    case type, headers, invocationId, target, arguments, streamIds, item, result, error
    case allowReconnect, sequenceId
    // MessagePack's completion alone.
    case resultKind
    // The fields of the handshake.
    case `protocol`, version

    public var description: String { rawValue }
}
