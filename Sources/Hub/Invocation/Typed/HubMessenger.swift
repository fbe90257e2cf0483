// HubMessenger: what stands behind `clients` and `groups`: the server, and the call they are used in.
//
//   send ─▶ HubServer.send ─▶ accepted by the backplane?      the caller itself ─▶ its own loop
//   ask  ─▶ slot let go ─▶ HubServer.ask ─▶ answer ─▶ slot taken back
//
// Thread: any.  Allocates: a continuation per wait.

struct HubMessenger: Sendable {
    /// Nil in the tests of methods, where nobody is reached but the caller.
    let server: HubServer?
    /// Nil outside of a call.
    var caller: HubCaller?
    /// The connection reads nothing while it connects, so an answer of its client would never come;
    /// and nobody else is asked either, as in .NET.
    var mayAsk = true
    var suspendSlot: @Sendable () -> Void = {}
    var resumeSlot: @Sendable () -> Void = {}

    /// - Throws: `BackplaneError` if other pods' clients cannot be reached.
    func send(to target: HubTarget, _ method: String, _ arguments: [RawValue]) async throws {
        if let caller, target == .connection(caller.connectionID) {
            return caller.send(method, arguments)
        }
        try await outcome { done in
            server?.send(to: target, target: method, arguments: arguments, accepted: done)
        }
    }

    func change(_ change: GroupChange) async throws {
        try await outcome { done in
            if change.isJoin {
                server?.join(connectionID: change.connectionID, group: change.group, done: done)
            } else {
                server?.leave(connectionID: change.connectionID, group: change.group, done: done)
            }
        }
    }

    /// Waits for it however long it takes, which the backplane bounds: who is cancelled meanwhile may
    /// still want to know.
    private func outcome(
        of begin: (@escaping @Sendable (BackplaneError?) -> Void) -> Void?
    ) async throws {
        let error = await withCheckedContinuation { continuation in
            if begin({ continuation.resume(returning: $0) }) == nil {
                continuation.resume(returning: nil)
            }
        }
        if let error { throw error }
    }

    /// - Throws: `HubException`.
    func ask(
        _ connectionID: String, _ method: String, _ arguments: [RawValue]
    ) async throws -> RawValue {
        guard mayAsk else {
            throw HubException(
                "Client results inside OnConnectedAsync Hub methods are not allowed.")
        }
        let late = LateValue<ClientAnswer>()
        suspendSlot()
        defer { resumeSlot() }
        if let server {
            server.ask(connectionID: connectionID, target: method, arguments: arguments) {
                late.give($0)
            }
        } else {
            late.give(.unknown(connectionID: connectionID))
        }
        guard let answer = await late.value() else {
            throw HubException("Invocation canceled by the server.")
        }
        if let text = answer.errorText { throw HubException(text) }
        guard case .result(let value) = answer else {
            preconditionFailure("what is no error is a result")
        }
        return value
    }
}

extension HubCall {
    private var messenger: HubMessenger {
        HubMessenger(
            server: caller.server, caller: caller, suspendSlot: suspendSlot,
            resumeSlot: resumeSlot)
    }

    /// Whom the method can call.
    public var clients: HubClients { HubClients(messenger: messenger) }

    /// Who is in which group.
    public var groups: HubGroups { HubGroups(messenger: messenger) }
}

extension HubServer {
    /// Whom this hub can call outside of its methods, where nobody is the caller.
    public var clients: HubClients { HubClients(messenger: HubMessenger(server: self)) }

    /// Who is in which group.
    public var groups: HubGroups { HubGroups(messenger: HubMessenger(server: self)) }
}
