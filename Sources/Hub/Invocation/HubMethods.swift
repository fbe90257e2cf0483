// HubMethods: what clients may call, registered before the server starts.
//
//   var hub = HubMethods()
//   hub.method("RegisterOrder", arity: 1) { caller, arguments, reply in … reply.void() }
//
// A body runs on the loop of its caller and must not block; it may hand `reply` to a worker.
//
// Thread: built by one, then immutable.  Allocates: when built.

/// Decodes its arguments first: after a thrown `BindingFailure` nothing may have happened.
public typealias HubMethodBody =
    @Sendable (HubCaller, HubArguments, HubReply) throws(BindingFailure) -> Void

/// One method of the hub.
public struct HubMethod: Sendable {
    /// As registered; calls match it without regard to case.
    public let name: String
    /// Arguments it takes, exactly.
    public let arity: Int
    let body: HubMethodBody
}

/// What the hub says to a new connection.
public enum ConnectDecision: Sendable {
    case accept
    /// Close without an error, as a hub that calls `Abort`.
    case abort
    /// Close with an error; the client is not asked to come back.
    case fail
}

/// The methods and the life-cycle callbacks of a hub.
public struct HubMethods: Sendable {
    private var methods: [String: HubMethod] = [:]

    /// Runs on the connection's loop after the handshake and before the first call.
    public var onConnected: @Sendable (HubCaller) -> ConnectDecision = { _ in .accept }

    /// Runs once on the connection's loop for every connection that `onConnected` accepted.
    public var onDisconnected: @Sendable (HubCaller, HubEnd) -> Void = { _, _ in }

    public init() {}

    /// Registers a method. Two names that differ in case only are a programmer's error, as clients
    /// could not tell them apart.
    public mutating func method(_ name: String, arity: Int, _ body: @escaping HubMethodBody) {
        precondition(!name.isEmpty && arity >= 0)
        let key = name.lowercased()
        precondition(methods[key] == nil, "the hub has this method already")
        methods[key] = HubMethod(name: name, arity: arity, body: body)
    }

    func find(_ target: String) -> HubMethod? { methods[target.lowercased()] }
}
