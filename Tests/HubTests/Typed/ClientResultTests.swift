import Testing

@testable import Hub

@Suite("Client results") struct ClientResultTests {
    private func stand() -> HubStand {
        HubStand { hub in
            hub.method("AskInt") { (call, id: String) -> Int in
                try await call.clients.client(id).invoke("Number", id, 1)
            }
            hub.method("AskNothing") { (call, id: String) in
                try await call.clients.client(id).invoke("Number", id, 1)
                return "done"
            }
            hub.method("AskTwice") { call in
                async let first = call.clients.client("a").invoke("Number", as: Int.self)
                async let second = call.clients.caller.invoke("Number", as: Int.self)
                return [try await first, try await second]
            }
            hub.stream("AskThenStream") { (call, id: String) in
                let count = try await call.clients.client(id).invoke("Number", as: Int.self)
                return AsyncStream { continuation in
                    for number in 0..<count { continuation.yield(number) }
                    continuation.finish()
                }
            }
        }
    }

    @Test func `a client is asked with an id and its result comes back`() async throws {
        let hub = stand()
        async let outcome = hub.call("AskInt", "\"a\"")
        let (question, answer) = await hub.backplane.questions.first(1)[0]
        answer(.result(json("7")))

        #expect(question.connectionID == "a")
        let record = question.invocation.record(for: .json) ?? []
        let text = String(decoding: record.dropLast(), as: UTF8.self)
        #expect(text.contains("\"invocationId\":\"\(question.invocationID)\""))
        #expect(text.contains(#""target":"Number","arguments":["a",1]"#))
        #expect(hub.told(try await outcome) == "7")
    }

    @Test(arguments: [
        (ClientAnswer.error("no"), "no"),
        (.unknown(connectionID: "a"), "Connection 'a' does not exist."),
        (.disconnected(connectionID: "a"), "Connection 'a' disconnected."),
        (.unavailable(reason: "Redis is away."), "Redis is away."),
        (.result(json("\"x\"")), "Error trying to deserialize result to Int."),
    ])
    func `what is no answer is thrown as a HubException`(
        answer: ClientAnswer, text: String
    ) async throws {
        let hub = stand()
        async let outcome = hub.call("AskInt", "\"a\"")
        await hub.backplane.questions.first(1)[0].1(answer)

        #expect(try await outcome == .hubException(text))
    }

    @Test(arguments: ["null", "7", "[true]"])
    func `who wants no result takes any`(result: String) async throws {
        let hub = stand()
        async let outcome = hub.call("AskNothing", "\"a\"")
        await hub.backplane.questions.first(1)[0].1(.result(json(result)))

        #expect(hub.told(try await outcome) == "\"done\"")
    }

    @Test func `a cancelled wait is told so, and a late answer is nobody's`() async throws {
        let hub = stand()
        let cancellation = HubCancellation()
        async let outcome = hub.call("AskInt", "\"a\"", cancellation: cancellation)
        let answer = await hub.backplane.questions.first(1)[0].1
        cancellation.cancel()

        #expect(try await outcome == .hubException("Invocation canceled by the server."))
        answer(.result(json("7")))
        #expect(hub.slot.values == ["suspended", "resumed"])
    }

    @Test func `the caller's slot is free while it waits`() async throws {
        let hub = stand()
        async let outcome = hub.call("AskInt", "\"me\"")
        let answer = await hub.backplane.questions.first(1)[0].1
        #expect(hub.slot.values == ["suspended"])
        answer(.error("no"))

        #expect(try await outcome == .hubException("no"))
        #expect(hub.slot.values == ["suspended", "resumed"])
    }

    @Test func `two waits at once have two ids and two pairs of slots`() async throws {
        let hub = stand()
        async let outcome = hub.call("AskTwice")
        let questions = await hub.backplane.questions.first(2)
        #expect(questions[0].0.invocationID != questions[1].0.invocationID)
        for (question, answer) in questions.reversed() {
            answer(.result(json(question.connectionID == "a" ? "1" : "2")))
        }

        #expect(hub.told(try await outcome) == "[1,2]")
        #expect(hub.slot.values.filter { $0 == "suspended" }.count == 2)
        #expect(hub.slot.values.filter { $0 == "resumed" }.count == 2)
    }

    @Test func `a streaming method may ask before it streams`() async throws {
        let hub = stand()
        let items = Noted<String>()
        async let outcome = hub.call("AskThenStream", "\"a\"", output: taking(items))
        await hub.backplane.questions.first(1)[0].1(.result(json("2")))

        #expect(try await outcome == .void)
        #expect(items.values == ["0", "1"])
    }

    @Test func `nobody is asked while a connection connects`() async throws {
        let hub = HubStand { hub in
            hub.onConnected { connection in
                try await connection.clients.client("a").invoke("Name")
            }
        }
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })

        let text = "Client results inside OnConnectedAsync Hub methods are not allowed."
        #expect(await decided.first(1) == [.failed(.hubException(text))])
        #expect(hub.backplane.questions.values.isEmpty)
    }
}
