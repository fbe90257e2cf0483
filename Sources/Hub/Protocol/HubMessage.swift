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
    /// Set where what stands for the arguments is no list of them, which MessagePack forgives;
    /// `arguments` is empty then. The caller gets an error completion, and the connection lives.
    public var bindingFailure: BindingFailure?

    public init(
        target: String, arguments: [RawValue], invocationID: String? = nil, headers: [Header] = [],
        streamIDs: [String] = [], bindingFailure: BindingFailure? = nil
    ) {
        self.headers = headers
        self.invocationID = invocationID
        self.target = target
        self.arguments = arguments
        self.streamIDs = streamIDs
        self.bindingFailure = bindingFailure
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

extension HubMessage {
    /// Bytes to reserve for it in either format, so that writing allocates once: a little too many in
    /// most cases.
    var byteCountEstimate: Int {
        // 64 bytes hold what stands around the parts that have a length of their own.
        switch self {
        case .invocation(let invocation), .streamInvocation(let invocation):
            invocation.arguments.reduce(
                80 + invocation.target.utf8.count + (invocation.invocationID?.utf8.count ?? 0)
                    + 48 * invocation.headers.count + 32 * invocation.streamIDs.count
            ) { $0 + 1 + $1.byteCount }
        case .streamItem(let headers, let id, let item):
            64 + 48 * headers.count + id.utf8.count + item.byteCount
        case .completion(let completion):
            64 + 48 * completion.headers.count + completion.invocationID.utf8.count
                + completion.outcome.byteCountEstimate
        default: 64
        }
    }
}

extension Completion.Outcome {
    fileprivate var byteCountEstimate: Int {
        switch self {
        case .result(let result): result.byteCount
        case .error(let text): text.utf8.count
        case .void: 0
        }
    }
}
