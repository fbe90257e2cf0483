// HubLifetime: the beginning and the end of a connection, as a hub's callbacks see them.
//
//   handshake ─▶ onConnected ─┬▶ returns ─▶ calls, … ─▶ onDisconnected(error)
//                             ├▶ throws  ─▶ closed with an error; onDisconnected is not called
//                             └▶ aborts  ─▶ closed without one;   likewise
//
// Thread: callbacks run in tasks.  Allocates: a task each.  Source: ASP.NET Core SignalR, Hub.

public typealias HubConnectedBody = @Sendable (HubLifetime) async throws -> Void
public typealias HubDisconnectedBody = @Sendable (HubLifetime, (any Error)?) async throws -> Void

/// A connection that begins or has ended.
public struct HubLifetime: Sendable {
    public let caller: HubCaller
    private let isConnecting: Bool

    public var connectionID: String { caller.connectionID }
    /// Nil for an anonymous connection.
    public var userID: String? { caller.userID }

    /// `caller` and `others` are this connection and all but it; once it has ended, it hears nothing.
    public var clients: HubClients { HubClients(messenger: messenger) }
    public var groups: HubGroups { HubGroups(messenger: messenger) }

    private var messenger: HubMessenger {
        HubMessenger(server: caller.server, caller: caller, mayAsk: !isConnecting)
    }

    /// Closes the connection without an error.
    public func abort() { caller.abort() }

    /// One whose hub answers through `reply`. To abort is to decide, as nothing else is asked of a
    /// connection that is not there yet.
    init(connecting caller: HubCaller, _ reply: ConnectReply) {
        var aborting = caller
        aborting.perform = { request in
            if case .abort = request { reply.decide(.abort) }
            caller.perform(request)
        }
        self.caller = aborting
        isConnecting = true
    }

    init(ended caller: HubCaller) {
        self.caller = caller
        isConnecting = false
    }
}

extension HubMethods {
    /// What runs for every new connection before its first call; the connection reads nothing
    /// meanwhile. If it throws, the connection is closed with an error.
    public mutating func onConnected(_ body: @escaping HubConnectedBody) {
        onConnected = { caller, reply in HubLifetime.connect(caller, reply, body) }
        typedConnected = body
    }

    /// What runs once for every connection that was accepted, when it has ended.
    ///
    /// - Parameter body: gets an error if the client has given one or has broken the rules. One that
    ///   was just lost is not told from one that was closed, as in .NET.
    public mutating func onDisconnected(_ body: @escaping HubDisconnectedBody) {
        onDisconnected = { caller, end in HubLifetime.disconnect(caller, end, body) }
        typedDisconnected = body
    }
}

extension HubLifetime {
    static func connect(
        _ caller: HubCaller, _ reply: ConnectReply, _ body: @escaping HubConnectedBody
    ) {
        reply.postpone()
        let connection = HubLifetime(connecting: caller, reply)
        HubTask.begin {
            do {
                try await body(connection)
                reply.decide(.accept)
            } catch {
                reply.decide(.failed(HubOutcome(error)))
            }
        }
    }

    static func disconnect(
        _ caller: HubCaller, _ end: HubEnd, _ body: @escaping HubDisconnectedBody
    ) {
        HubTask.begin {
            // There is nobody left to tell.
            try? await body(HubLifetime(ended: caller), end.error)
        }
    }
}

/// How a client broke the rules of its connection.
public struct HubConnectionError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

extension HubEnd {
    /// What `onDisconnected` is told.
    public var error: (any Error)? {
        switch self {
        case .closedByClient(let text): text.map { HubException($0) }
        case .protocolViolation(let error): HubConnectionError(description: error.detail)
        case .clientTimedOut:
            HubConnectionError(
                description: "Client hasn't sent a message/ping within the configured "
                    + "ClientTimeoutInterval.")
        case .clientGone, .connectionLost, .slowClient, .authenticationExpired, .aborted,
            .shutdown, .retired, .connectFailed, .handshakeFailed:
            nil
        case .unwritable(let error): HubConnectionError(description: "\(error)")
        }
    }
}
