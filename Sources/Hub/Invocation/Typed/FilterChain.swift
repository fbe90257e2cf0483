// FilterChain: a hub's bodies with its filters around them, put together once when the server is made.
//
//   HubMethods ── filtered ──▶ HubMethods whose every body is: Task { A { B { the body it was } } }
//
// An untyped body answers through a reply of its own here, whose outcome then goes back through the
// filters; of an untyped stream they see the end only, as its items are sent by the body itself.
//
// Thread: built by one; then the tasks of calls.  Allocates: per call a closure for each filter.

struct FilterChain: Sendable {
    /// Outermost first.
    let filters: [any HubFilter]

    func invoke(_ call: HubCall, _ method: HubMethod, at index: Int = 0) async throws -> HubResult {
        if index == filters.count { return try await Self.run(call, method) }
        return try await filters[index].invoke(call) { call in
            try await invoke(call, method, at: index + 1)
        }
    }

    func connect(
        _ connection: HubLifetime, _ body: HubConnectedBody, at index: Int = 0
    ) async throws {
        if index == filters.count { return try await body(connection) }
        try await filters[index].connect(connection) { connection in
            try await connect(connection, body, at: index + 1)
        }
    }

    func disconnect(
        _ connection: HubLifetime, _ error: (any Error)?, _ body: HubDisconnectedBody,
        at index: Int = 0
    ) async throws {
        if index == filters.count { return try await body(connection, error) }
        try await filters[index].disconnect(connection, error: error) { connection, error in
            try await disconnect(connection, error, body, at: index + 1)
        }
    }

    // MARK: The innermost

    private static func run(_ call: HubCall, _ method: HubMethod) async throws -> HubResult {
        if let typed = method.typed { return try await typed.invoke(call) }
        switch try await outcome(of: call, method.body) {
        case .result(let value): return .value(value)
        case .void: return call.output == nil ? .void : .items(HubItems())
        case let failure: throw UntypedFailure(outcome: failure)
        }
    }

    private static func outcome(
        of call: HubCall, _ body: HubMethodBody
    ) async throws(BindingFailure) -> HubOutcome {
        let outcome: Result<HubOutcome, BindingFailure> = await withCheckedContinuation {
            continuation in
            var call = call
            call.reply = HubReply { continuation.resume(returning: .success($0)) }
            do throws(BindingFailure) {
                try body(call)
                if let outcome = call.reply.methodReturned() {
                    continuation.resume(returning: .success(outcome))
                }
            } catch {
                call.reply.discard()
                continuation.resume(returning: .failure(error))
            }
        }
        return try outcome.get()
    }
}

extension HubMethods {
    /// The hub that the server runs.
    func filtered() -> HubMethods {
        if filters.isEmpty { return self }
        let chain = FilterChain(filters: filters)
        var hub = self
        hub.replaceBodies { method in
            { call in HubTask.start(call) { try await chain.invoke($0, method) } }
        }
        let connected = typedConnected ?? Self.typed(onConnected)
        hub.onConnected { try await chain.connect($0, connected) }
        let disconnected = typedDisconnected
        let untyped = onDisconnected
        hub.onDisconnected = { caller, end in
            let body = disconnected ?? { connection, _ in untyped(connection.caller, end) }
            HubLifetime.disconnect(caller, end) { try await chain.disconnect($0, $1, body) }
        }
        return hub
    }

    /// An untyped callback as one that returns when it has decided.
    private static func typed(
        _ untyped: @escaping @Sendable (HubCaller, ConnectReply) -> Void
    ) -> HubConnectedBody {
        { connection in
            let decision = await withCheckedContinuation { continuation in
                let reply = ConnectReply { continuation.resume(returning: $0) }
                untyped(connection.caller, reply)
                if let decision = reply.hubReturned() { continuation.resume(returning: decision) }
            }
            switch decision {
            case .accept: break
            case .abort: connection.abort()
            case .fail: throw UntypedFailure(outcome: .failure(detail: nil))
            case .failed(let outcome): throw UntypedFailure(outcome: outcome)
            }
        }
    }
}
