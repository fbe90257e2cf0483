// HubFilter: code around every call and every connection of a hub: checks, logs, measures, translates.
//
//   hub.filter(A()); hub.filter(B())
//
//   call ─▶ A.invoke ─▶ B.invoke ─▶ method        A sees first what comes in,
//   reply ◀─── A ◀───────── B ◀───────┘           and last what goes out
//
// A filter that does not call `next` has it not happen: the method is not run and the caller gets null.
//
// Thread: any; filters run in the task of their call.  Source: ASP.NET Core SignalR, IHubFilter.

public protocol HubFilter: Sendable {
    /// Around `onConnected`. To throw refuses the connection; not to pass on what `next` threw lets it
    /// in.
    func connect(
        _ connection: HubLifetime, next: HubConnectedBody
    ) async throws

    /// Around a method. Of a streaming one `next` returns when the stream has begun; its items are
    /// sent when the outermost filter has returned, and may be replaced.
    ///
    /// - Parameters:
    ///   - call: arguments that do not fit the method are found out inside `next`, which then throws
    ///     `BindingFailure`.
    ///   - next: takes the call as it is or with other arguments.
    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult

    /// Around `onDisconnected`.
    func disconnect(
        _ connection: HubLifetime, error: (any Error)?, next: HubDisconnectedBody
    ) async throws
}

extension HubFilter {
    public func connect(
        _ connection: HubLifetime, next: HubConnectedBody
    ) async throws {
        try await next(connection)
    }

    public func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        try await next(call)
    }

    public func disconnect(
        _ connection: HubLifetime, error: (any Error)?, next: HubDisconnectedBody
    ) async throws {
        try await next(connection, error)
    }
}

extension HubMethods {
    /// Puts a filter around everything this hub has and gets, inside the filters it has already.
    public mutating func filter(_ filter: some HubFilter) { filters.append(filter) }
}

extension HubCall {
    /// The same call with other arguments, which must be as many.
    public func with<each Argument: Encodable>(
        arguments: repeat each Argument
    ) throws -> HubCall {
        let values = try RawValue.all(repeat each arguments)
        precondition(values.count == self.arguments.values.count, "a method's arity is fixed")
        var call = self
        call.arguments = HubArguments(values)
        return call
    }
}
