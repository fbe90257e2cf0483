import Testing

@testable import Hub

/// Writes down what passes, going in and coming out.
private struct Watch: HubFilter {
    let name: String
    let seen: Noted<String>

    func connect(_ connection: HubLifetime, next: HubConnectedBody) async throws {
        seen.note("\(name) connect")
        try await next(connection)
        seen.note("\(name) connected")
    }

    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        seen.note("\(name) invoke \(call.target)")
        let result = try await next(call)
        seen.note("\(name) invoked \(call.target)")
        return result
    }

    func disconnect(
        _ connection: HubLifetime, error: (any Error)?, next: HubDisconnectedBody
    ) async throws {
        seen.note("\(name) disconnect")
        try await next(connection, error)
        seen.note("\(name) disconnected")
    }
}

/// Does to calls what it is told by their names.
private struct Meddler: HubFilter {
    func connect(_ connection: HubLifetime, next: HubConnectedBody) async throws {
        // Whoever is refused by the hub may come in.
        do { try await next(connection) } catch is HubException {}
    }

    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        switch call.target {
        case "Skip": return .void
        case "Throw": throw HubException("not you")
        case "Double": return try await next(call.with(arguments: "double", 2))
        case "Swallow":
            do { return try await next(call) } catch { return .void }
        case "Replace":
            return HubResult(
                streaming: AsyncStream { continuation in
                    continuation.yield("other")
                    continuation.finish()
                })
        default:
            let result = try await next(call)
            guard let text = result.value(as: String.self) else { return result }
            return try HubResult(encoding: text + "!")
        }
    }
}

/// Lets nobody in, before or after it has asked the hub.
private struct Doorkeeper: HubFilter {
    let asksFirst: Bool
    let error: any Error & Sendable

    func connect(_ connection: HubLifetime, next: HubConnectedBody) async throws {
        if asksFirst { try await next(connection) }
        throw error
    }
}

private struct BrokenError: Error {}

@Suite("HubFilter") struct HubFilterTests {
    private func meddled(_ build: (inout HubMethods) -> Void) -> HubStand {
        HubStand { hub in
            hub.filter(Meddler())
            build(&hub)
        }
    }

    // MARK: Order

    @Test func `the first filter is outermost, for typed and untyped methods`() async throws {
        let seen = Noted<String>()
        let hub = HubStand { hub in
            hub.filter(Watch(name: "g1", seen: seen))
            hub.method("Typed") { call in seen.note("run") }
            hub.method("Untyped", arity: 0) { call in
                seen.note("run")
                call.reply.void()
            }
            hub.filter(Watch(name: "g2", seen: seen))
        }

        for name in ["Typed", "Untyped"] {
            let before = seen.values.count
            #expect(try await hub.call(name) == .void)
            #expect(
                Array(seen.values[before...]) == [
                    "g1 invoke \(name)", "g2 invoke \(name)", "run", "g2 invoked \(name)",
                    "g1 invoked \(name)",
                ])
        }
    }

    @Test func `filters are around the beginning and the end of a connection`() async throws {
        let seen = Noted<String>()
        let hub = HubStand { hub in
            hub.filter(Watch(name: "g1", seen: seen))
            hub.filter(Watch(name: "g2", seen: seen))
            hub.onConnected { _ in seen.note("run") }
            hub.onDisconnected { _, error in seen.note("run \(error.map { "\($0)" } ?? "-")") }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })
        #expect(await decided.first(1) == [.accept])
        hub.methods.onDisconnected(hub.caller, .closedByClient(error: "x"))

        #expect(
            await seen.first(10) == [
                "g1 connect", "g2 connect", "run", "g2 connected", "g1 connected",
                "g1 disconnect", "g2 disconnect", "run x", "g2 disconnected", "g1 disconnected",
            ])
    }

    @Test func `a filter of one hub is not on another`() async throws {
        let seen = Noted<String>()
        let watched = HubStand { hub in
            hub.filter(Watch(name: "f", seen: seen))
            hub.method("M") { call in }
        }
        let other = HubStand { hub in hub.method("M") { call in } }

        #expect(try await other.call("M") == .void)
        #expect(seen.values.isEmpty)
        #expect(try await watched.call("M") == .void)
        #expect(seen.values.count == 2)
    }

    // MARK: Meddling with calls

    @Test func `a filter changes arguments and results`() async throws {
        let hub = meddled { hub in
            hub.method("Double") { (call, text: String, count: Int) in "\(text) \(count)" }
            hub.method("Shout") { (call, text: String) in text }
            hub.method("Number") { call in 7 }
        }

        #expect(hub.told(try await hub.call("Double", "\"x\"", "1")) == "\"double 2\"")
        #expect(hub.told(try await hub.call("Shout", "\"hi\"")) == "\"hi!\"")
        #expect(hub.told(try await hub.call("Number")) == "7")
    }

    @Test func `what a filter skips is not run and answers null`() async throws {
        let hub = meddled { hub in
            hub.method("Skip") { call in
                Issue.record("it was run")
                return 7
            }
        }

        #expect(try await hub.call("Skip") == .void)
    }

    @Test func `a filter throws, or swallows what the method has thrown`() async throws {
        let hub = meddled { hub in
            hub.method("Throw") { call in Issue.record("it was run") }
            hub.method("Swallow") { (call, isTyped: Bool) in throw BrokenError() }
        }
        let untyped = meddled { hub in
            hub.method("Swallow", arity: 0) { call in call.reply.failure("it broke") }
        }

        #expect(try await hub.call("Throw") == .hubException("not you"))
        #expect(try await hub.call("Swallow", "true") == .void)
        #expect(try await untyped.call("Swallow") == .void)
    }

    @Test func `errors come through as they were`() async throws {
        let hub = meddled { hub in
            hub.method("Typed") { call in throw BrokenError() }
            hub.method("Untyped", arity: 0) { call in call.reply.failure("it broke") }
            hub.method("Forgotten", arity: 0) { _ in }
            hub.method("Bound", arity: 1) { (call) throws(BindingFailure) in
                call.reply.result(.string(try call.arguments.string(0)))
            }
            hub.method("Decoded") { (call, a: Int) in a }
        }

        #expect(
            try await hub.call("Typed") == .thrown(type: "BrokenError", message: "BrokenError()"))
        #expect(try await hub.call("Untyped") == .failure(detail: "it broke"))
        #expect(
            try await hub.call("Forgotten") == .failure(detail: "The method gave no answer."))
        #expect(try await hub.call("Bound", "1") == .bindingFailed(.type))
        #expect(hub.told(try await hub.call("Bound", "\"x\"")) == "\"x!\"")
        #expect(try await hub.call("Decoded", "\"x\"") == .bindingFailed(.type))
    }

    // MARK: Streams

    @Test func `a filter is around the beginning of a stream and may replace it`() async throws {
        let seen = Noted<String>()
        let hub = HubStand { hub in
            hub.filter(Watch(name: "f", seen: seen))
            hub.filter(Meddler())
            for name in ["Same", "Replace"] {
                hub.stream(name) { call in
                    AsyncStream { continuation in
                        continuation.yield("item")
                        continuation.finish()
                    }
                }
            }
        }
        let output = HubOutput { item, taken in
            seen.note(text(of: item))
            taken(true)
        }

        #expect(try await hub.call("Same", output: output) == .void)
        #expect(seen.values == ["f invoke Same", "f invoked Same", "\"item\""])
        #expect(try await hub.call("Replace", output: output) == .void)
        #expect(seen.values.last == "\"other\"")
    }

    @Test func `a stream that is skipped is no stream`() async throws {
        let hub = meddled { hub in
            hub.stream("Skip") { call in AsyncStream<Int> { nil } }
        }

        #expect(
            hub.told(try await hub.call("Skip", output: taking(Noted())))
                == "The value returned by the streaming method 'M' is not a ChannelReader<> "
                + "or IAsyncEnumerable<>.")
    }

    @Test func `an untyped stream passes through`() async throws {
        let hub = meddled { hub in
            hub.method("Untyped", arity: 0, isStreaming: true) { call in
                call.output?.send(json("1")) { _ in call.reply.void() }
            }
        }
        let items = Noted<String>()

        #expect(try await hub.call("Untyped", output: taking(items)) == .void)
        #expect(items.values == ["1"])
    }

    // MARK: Meddling with connections

    @Test func `a filter lets in whom the hub has refused`() async throws {
        let hub = meddled { hub in
            hub.onConnected { _ in throw HubException("full") }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })

        #expect(await decided.first(1) == [.accept])
    }

    @Test(arguments: [false, true])
    func `a filter that throws at connect refuses as the hub would`(asksFirst: Bool) async throws {
        for error in [HubException("full"), BrokenError()] as [any Error & Sendable] {
            let asked = Noted<String>()
            let filtered = HubStand { hub in
                hub.filter(Doorkeeper(asksFirst: asksFirst, error: error))
                hub.onConnected { _ in asked.note("run") }
            }
            let refusing = HubStand { hub in hub.onConnected { _ in throw error } }
            let decided = (Noted<ConnectDecision>(), Noted<ConnectDecision>())
            filtered.methods.onConnected(filtered.caller, .sample { decided.0.note($0) })
            refusing.methods.onConnected(refusing.caller, .sample { decided.1.note($0) })

            let decision = await decided.0.first(1)
            #expect(await decided.1.first(1) == decision)
            #expect(decision != [.accept])
            #expect(asked.values == (asksFirst ? ["run"] : []))
        }
    }

    @Test(arguments: [ConnectDecision.accept, .abort, .fail])
    func `what an untyped callback decides comes through`(
        decision: ConnectDecision
    ) async throws {
        let hub = meddled { hub in
            hub.onConnected = { _, reply in reply.decide(decision) }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })

        let expected = decision == .fail ? .failed(.failure(detail: nil)) : decision
        #expect(await decided.first(1) == [expected])
    }
}
