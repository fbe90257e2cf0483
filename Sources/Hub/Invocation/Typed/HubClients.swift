// HubClients: whom the hub can call, wherever their connections are.
//
//   call.clients.others.send("Said", text)             HubReceivers: told
//   call.clients.client(id).invoke("Name")             HubClient: told, or asked for a result
//
// Names and ids are compared case included; unknown ones are nobody.
//
// Thread: any.  Allocates: the names.  Source: ASP.NET Core SignalR, IHubCallerClients.

public struct HubClients: Sendable {
    let messenger: HubMessenger

    public var all: HubReceivers { receivers(.all) }

    public func allExcept(_ connectionIDs: [String]) -> HubReceivers {
        receivers(.allExcept(connectionIDs))
    }

    /// Everybody but the caller; outside of a call everybody.
    public var others: HubReceivers { receivers(.allExcept(callerIDs)) }

    /// Outside of a call nobody.
    public var caller: HubClient { client(messenger.caller?.connectionID ?? "") }

    public func client(_ connectionID: String) -> HubClient {
        HubClient(messenger: messenger, connectionID: connectionID)
    }

    public func clients(_ connectionIDs: [String]) -> HubReceivers {
        receivers(.connections(connectionIDs))
    }

    public func group(_ name: String) -> HubReceivers { receivers(.group(name)) }

    /// A member of two of them receives two copies.
    public func groups(_ names: [String]) -> HubReceivers { receivers(.groups(names)) }

    public func groupExcept(_ name: String, _ connectionIDs: [String]) -> HubReceivers {
        receivers(.groupExcept(name, excluded: connectionIDs))
    }

    /// The group's members but the caller, who need not be one.
    public func othersInGroup(_ name: String) -> HubReceivers { groupExcept(name, callerIDs) }

    /// All connections of the user.
    public func user(_ id: String) -> HubReceivers { receivers(.user(id)) }

    public func users(_ ids: [String]) -> HubReceivers { receivers(.users(ids)) }

    private var callerIDs: [String] { messenger.caller.map { [$0.connectionID] } ?? [] }

    private func receivers(_ target: HubTarget) -> HubReceivers {
        HubReceivers(messenger: messenger, target: target)
    }
}

/// Clients that a method of theirs is called on.
public struct HubReceivers: Sendable {
    let messenger: HubMessenger
    let target: HubTarget

    /// Calls a method of each. What becomes of it at the clients nobody is told; returning means that
    /// the message is on its way on this pod and with the backplane.
    ///
    /// - Throws: `BackplaneError` if other pods' clients are not reached, those of this pod are
    ///   nevertheless; what an argument's encoding throws, before anything is sent.
    public func send<each Argument: Encodable>(
        _ method: String, _ arguments: repeat each Argument
    ) async throws {
        try await messenger.send(to: target, method, try RawValue.all(repeat each arguments))
    }
}

/// One client, on whichever pod it is.
public struct HubClient: Sendable {
    let messenger: HubMessenger
    public let connectionID: String

    /// As `HubReceivers.send`.
    public func send<each Argument: Encodable>(
        _ method: String, _ arguments: repeat each Argument
    ) async throws {
        try await messenger.send(
            to: .connection(connectionID), method, try RawValue.all(repeat each arguments))
    }

    /// Calls a method of the client and waits for its result. Meanwhile the connection of the call
    /// reads on, so the client asked may be the caller itself.
    ///
    /// - Throws: `HubException`: the client's own error; that it does not exist or has gone; that the
    ///   result is of another type; that the task was cancelled. Also in `onConnected`, where nobody
    ///   can be asked.
    public func invoke<Value: Decodable, each Argument: Encodable>(
        _ method: String, _ arguments: repeat each Argument, as type: Value.Type = Value.self
    ) async throws -> Value {
        let result = try await messenger.ask(
            connectionID, method, try RawValue.all(repeat each arguments))
        do {
            return try result.decode(as: type)
        } catch {
            throw HubException("Error trying to deserialize result to \(type).")
        }
    }

    /// The same for a method whose result does not matter, whatever it is.
    public func invoke<each Argument: Encodable>(
        _ method: String, _ arguments: repeat each Argument
    ) async throws {
        _ = try await messenger.ask(
            connectionID, method, try RawValue.all(repeat each arguments))
    }
}

/// Who is in which group. A membership ends with its connection.
public struct HubGroups: Sendable {
    let messenger: HubMessenger

    /// Adds a connection of any pod. On return, what is sent to the group reaches it. Joining twice
    /// is joining once.
    ///
    /// - Throws: `BackplaneError` if the pod that may hold the connection cannot be reached.
    public func join(_ connectionID: String, _ group: String) async throws {
        try await messenger.change(
            GroupChange(connectionID: connectionID, group: group, isJoin: true))
    }

    /// Takes a connection of any pod out; out of a group it is not in is no error.
    ///
    /// - Throws: as `join`.
    public func leave(_ connectionID: String, _ group: String) async throws {
        try await messenger.change(
            GroupChange(connectionID: connectionID, group: group, isJoin: false))
    }
}
