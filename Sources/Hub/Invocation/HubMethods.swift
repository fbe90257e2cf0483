// HubMethods: what clients may call, registered before the server starts.
//
//   var hub = HubMethods()
//   hub.method("RegisterOrder", arity: 1) { call in … call.reply.void() }       here
//   hub.method("Add") { (call, a: Int, b: Int) in a + b }                       HubMethods+Typed
//
// A body runs on the loop of its caller and must not block; it may hand the call to a worker.
//
// Thread: built by one, then immutable.  Allocates: when built.

/// Decodes its arguments first: after a thrown `BindingFailure` nothing may have happened.
public typealias HubMethodBody = @Sendable (HubCall) throws(BindingFailure) -> Void

/// One method of the hub.
public struct HubMethod: Sendable {
    /// As registered; calls match it without regard to case.
    public let name: String
    /// Arguments it takes, exactly; uploads are not counted.
    public let arity: Int
    /// Streams it takes from its caller, exactly.
    public let uploadCount: Int
    /// It answers with items, and its callers must ask for a stream.
    public let isStreaming: Bool
    let body: HubMethodBody

    /// Whether it is one of those that wait for each other. What streams runs beside the others: its
    /// end may need what the client sends next.
    var takesSlot: Bool { !isStreaming && uploadCount == 0 }
    /// What the body calls, where filters can get between; nil for an untyped method.
    var typed: (any TypedMethod)?
    /// Who may call it; nil for everybody.
    var isAllowed: (@Sendable (HubCaller) -> Bool)?
}

/// What the hub says to a new connection.
public enum ConnectDecision: Equatable, Sendable {
    case accept
    /// Close without an error, as a hub that calls `Abort`.
    case abort
    /// Close with an error; the client is not asked to come back.
    case fail
    /// The same, with an error that the client is told as it would be told a method's.
    case failed(HubOutcome)
}

/// The methods and the life-cycle callbacks of a hub.
public struct HubMethods: Sendable {
    private(set) var methods: [String: HubMethod] = [:]
    /// Outermost first.
    var filters: [any HubFilter] = []
    /// What the callbacks below call, where filters can get between; nil for untyped ones.
    var typedConnected: HubConnectedBody?
    var typedDisconnected: HubDisconnectedBody?

    /// Runs on the connection's loop after the handshake and before the first call; the connection
    /// reads nothing until it has answered.
    public var onConnected: @Sendable (HubCaller, ConnectReply) -> Void = { _, reply in
        reply.decide(.accept)
    }
    {
        didSet { typedConnected = nil }
    }

    /// Runs once on the connection's loop for every connection that `onConnected` accepted.
    public var onDisconnected: @Sendable (HubCaller, HubEnd) -> Void = { _, _ in } {
        didSet { typedDisconnected = nil }
    }

    public init() {}

    /// Registers a method. Two names that differ in case only are a programmer's error, as clients
    /// could not tell them apart.
    public mutating func method(
        _ name: String, arity: Int, uploadCount: Int = 0, isStreaming: Bool = false,
        _ body: @escaping HubMethodBody
    ) {
        add(
            HubMethod(
                name: name, arity: arity, uploadCount: uploadCount, isStreaming: isStreaming,
                body: body))
    }

    /// Lets only some callers call a method that is registered; others are told that they are not
    /// authorized.
    ///
    /// - Parameter isAllowed: runs on the loop for each call, and must not block.
    public mutating func authorize(
        _ name: String, _ isAllowed: @escaping @Sendable (HubCaller) -> Bool
    ) {
        let key = name.lowercased()
        precondition(methods[key] != nil, "the hub has no such method")
        methods[key]?.isAllowed = isAllowed
    }

    mutating func add(_ method: HubMethod) {
        precondition(!method.name.isEmpty && method.arity >= 0 && method.uploadCount >= 0)
        let key = method.name.lowercased()
        precondition(methods[key] == nil, "the hub has this method already")
        methods[key] = method
    }

    /// The same hub with another body for every method.
    mutating func replaceBodies(_ body: (HubMethod) -> HubMethodBody) {
        methods = methods.mapValues { method in
            HubMethod(
                name: method.name, arity: method.arity, uploadCount: method.uploadCount,
                isStreaming: method.isStreaming, body: body(method), isAllowed: method.isAllowed)
        }
    }

    func find(_ target: String) -> HubMethod? { methods[target.lowercased()] }
}
