// HubMessage: the nine messages of the hub protocol, whatever their wire format.
//
//   1 invocation   2 stream item   3 completion   4 stream invocation   5 cancel invocation
//   6 ping         7 close         8 ack          9 sequence
//
// Arguments, items and results stay as they were written (RawValue).
//
// Thread: a pure value, any thread.  Allocates: arrays of arguments; a ping has none.
// Source: SignalR HubProtocol, "Message" sections.

/// One message between client and hub.
public enum HubMessage: Equatable, Sendable {
    case invocation(Invocation)
    case streamItem(headers: [Header], invocationID: String, item: RawValue)
    case completion(Completion)
    /// An invocation whose answer is a stream; it always has an id.
    case streamInvocation(Invocation)
    case cancelInvocation(headers: [Header], invocationID: String)
    case ping
    case close(CloseMessage)
    /// The highest tracked message the sender has processed (stateful reconnect).
    case ack(sequenceID: Int64)
    /// The number of the first tracked message that follows (stateful reconnect).
    case sequence(sequenceID: Int64)
}

/// A header in the order it was written; empty lists are not written.
public struct Header: Equatable, Sendable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A call of a method by its name.
public struct Invocation: Equatable, Sendable {
    public var headers: [Header] = []
    /// Nil when the caller wants no answer; never empty.
    public var invocationID: String?
    public var target: String
    public var arguments: [RawValue]
    public var streamIDs: [String] = []

    public init(
        target: String, arguments: [RawValue], invocationID: String? = nil, headers: [Header] = [],
        streamIDs: [String] = []
    ) {
        self.headers = headers
        self.invocationID = invocationID
        self.target = target
        self.arguments = arguments
        self.streamIDs = streamIDs
    }
}

/// The end of an invocation.
public struct Completion: Equatable, Sendable {
    public enum Outcome: Equatable, Sendable {
        case result(RawValue)
        case error(String)
        /// Neither `result` nor `error` on the wire.
        case void
    }

    public var headers: [Header] = []
    public var invocationID: String
    public var outcome: Outcome

    public init(invocationID: String, outcome: Outcome, headers: [Header] = []) {
        self.headers = headers
        self.invocationID = invocationID
        self.outcome = outcome
    }
}

/// The last hub message of a connection.
public struct CloseMessage: Equatable, Sendable {
    public var error: String?
    /// Asks a client with automatic reconnect to come back; written only when true.
    public var allowReconnect: Bool

    public init(error: String? = nil, allowReconnect: Bool = false) {
        self.error = error
        self.allowReconnect = allowReconnect
    }
}

/// How a client broke the hub protocol; its connection ends.
public enum HubProtocolError: Error, Equatable, Sendable {
    case json(JSONError)
    /// The record is JSON but not an object.
    case notAnObject
    case missing(EnvelopeField)
    case wrongType(EnvelopeField)
    /// A completion carried both `result` and `error`.
    case resultAndError
    /// A record is longer than the limit, in bytes including its separator.
    case recordTooLong(byteCountMax: Int)
    /// The stream ended inside a record.
    case terminatedInsideRecord
    /// A client with stateful reconnect has skipped messages.
    case sequenceGap

    /// The text shown to the client when detailed errors are on.
    public var detail: String {
        switch self {
        case .json(let error): "Error reading JSON: \(error)."
        case .notAnObject: "Unexpected JSON token; expected an object."
        case .missing(let field): "Missing required property '\(field)'."
        case .wrongType(let field): "Property '\(field)' has the wrong type."
        case .resultAndError: "The 'error' and 'result' properties are mutually exclusive."
        case .recordTooLong(let byteCountMax):
            "The maximum message size of \(byteCountMax)B was exceeded. "
                + "The message size can be configured in AddHubOptions."
        case .sequenceGap: "Sequence ID greater than amount of messages we've received."
        case .terminatedInsideRecord: "Connection terminated while reading a message."
        }
    }
}

/// The names of the envelope's fields.
public enum EnvelopeField: String, Equatable, Sendable, CustomStringConvertible {
    case type, headers, invocationId, target, arguments, streamIds, item, result, error
    case allowReconnect, sequenceId
    // The fields of the handshake.
    case `protocol`, version

    public var description: String { rawValue }
}
