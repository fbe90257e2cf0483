import Loop
import Testing
import TestSupport

@testable import Hub

private struct Mark: HubFilter {
    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        let result = try await next(call)
        guard let text = result.value(as: String.self) else { return result }
        return try HubResult(encoding: text + "!")
    }
}

/// Streams, questions, lifetimes and filters of a typed hub on real sockets.
@Suite("Typed hub on the wire", .blocking) struct TypedHubWireTests {
    private func send(_ client: WebSocketClient, _ records: String...) throws {
        try client.send(records.map { $0 + "\u{1E}" }.joined())
    }

    // MARK: Streams

    @Test func `a stream is items and an end without a value`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.stream("Count") { (call, limit: Int) in Numbers(limit: limit) }
        })
        let client = try hub.connect()
        try send(
            client, #"{"type":4,"invocationId":"s","target":"Count","arguments":[2]}"#)

        #expect(try client.receiveRecord() == #"{"type":2,"invocationId":"s","item":0}"#)
        #expect(try client.receiveRecord() == #"{"type":2,"invocationId":"s","item":1}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"s"}"#)
    }

    @Test func `cancelling ends a stream without an error, and a call's task`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.stream("Waiting") { call in AsyncStream<Int> { try? await forever() } }
            hub.method("Wait") { call in
                _ = try? await forever()
                return Task.isCancelled
            }
        })
        let client = try hub.connect()
        try send(
            client, #"{"type":4,"invocationId":"s","target":"Waiting","arguments":[]}"#,
            #"{"type":5,"invocationId":"s"}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"s"}"#)

        try send(
            client, #"{"type":1,"invocationId":"c","target":"Wait","arguments":[]}"#,
            #"{"type":5,"invocationId":"c"}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"c","result":true}"#)
    }

    @Test func `an upload is read, and a client that goes is told to its reader`() throws {
        let told = Monitor<String?>(nil)
        let hub = try HubHarness(adding: { hub in
            hub.method("Sum") { (call, numbers: HubUpload<Int>) in
                do {
                    return try await numbers.reduce(0, +)
                } catch {
                    told.update { $0 = "\(error)" }
                    throw error
                }
            }
        })
        let client = try hub.connect()
        let call = #"{"type":1,"invocationId":"1","target":"Sum","arguments":[],"streamIds":["u"]}"#
        try send(
            client, call, #"{"type":2,"invocationId":"u","item":1}"#,
            #"{"type":2,"invocationId":"u","item":2}"#, #"{"type":3,"invocationId":"u"}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"1","result":3}"#)

        try send(client, call)
        // Behind it, so that the method has begun.
        #expect(try client.call("Nothing", id: "2").contains("null"))
        try client.close()
        #expect(hub.ends(1) == [.clientGone])
        #expect(
            told.wait(atMost: .seconds(30)) { $0 } == "The underlying connection was closed.")
    }

    // MARK: Questions

    @Test func `a method asks its caller, twice at once, and the connection reads on`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.method("AskTwice") { call in
                async let first = call.clients.caller.invoke("Number", as: Int.self)
                async let second = call.clients.caller.invoke("Number", as: Int.self)
                return try await first * second
            }
        })
        let client = try hub.connect()
        try send(client, #"{"type":1,"invocationId":"1","target":"AskTwice","arguments":[]}"#)
        let ids = try [client.receiveRecord(), client.receiveRecord()].map { question in
            try #require(
                question.split(separator: "\"invocationId\":\"").last?.split(separator: "\"").first)
        }
        #expect(ids[0] != ids[1])

        try send(client, "{\"type\":3,\"invocationId\":\"\(ids[1])\",\"result\":6}")
        // One answer is there and one is not: further calls still run.
        for id in ["a", "b"] { #expect(try client.call("Nothing", id: id).contains("null")) }
        try send(client, "{\"type\":3,\"invocationId\":\"\(ids[0])\",\"result\":7}")

        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"1","result":42}"#)
    }

    // MARK: Lifetimes and filters

    @Test func `what onConnected sends comes before the answer to the first call`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.onConnected { connection in
                try await connection.clients.caller.send("Hello", connection.userID)
            }
        })
        let client = try hub.open("?user=ann")
        try send(
            client, #"{"protocol":"json","version":1}"#,
            #"{"type":1,"invocationId":"1","target":"Nothing","arguments":[]}"#)

        #expect(try client.receiveRecord() == "{}")
        #expect(try client.receiveRecord() == #"{"type":1,"target":"Hello","arguments":["ann"]}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"1","result":null}"#)
    }

    @Test(arguments: [
        (false, "Connection closed with an error."),
        (true, "Connection closed with an error. Failure: it broke"),
    ])
    func `what onConnected throws is told as the options say`(
        details: Bool, text: String
    ) throws {
        struct Failure: Error, CustomStringConvertible { let description = "it broke" }
        var options = HubOptions()
        options.enableDetailedErrors = details
        let hub = try HubHarness(
            options: options, adding: { hub in hub.onConnected { _ in throw Failure() } })

        let client = try hub.connect()
        #expect(try client.receiveRecord() == "{\"type\":7,\"error\":\"\(text)\"}")
    }

    @Test func `the text of a HubException in onConnected reaches the client`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.onConnected { _ in throw HubException("full") }
        })
        let client = try hub.connect()
        #expect(
            try client.receiveRecord()
                == #"{"type":7,"error":"Connection closed with an error. HubException: full"}"#)
    }

    @Test func `what onDisconnected sends reaches the others`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.onDisconnected { connection, _ in
                try await connection.clients.others.send("Left", connection.userID)
                try await connection.clients.user("bob").send("Goodbye", connection.userID)
            }
        })
        let ann = try hub.connect("?user=ann")
        let others = [try hub.connect("?user=bob"), try hub.connect("?user=bob")]
        try ann.close()

        for other in others {
            #expect(
                try other.receiveRecord() == #"{"type":1,"target":"Left","arguments":["ann"]}"#)
            #expect(
                try other.receiveRecord() == #"{"type":1,"target":"Goodbye","arguments":["ann"]}"#)
        }
    }

    @Test func `filters are around what every client calls`() throws {
        let hub = try HubHarness(adding: { hub in
            hub.filter(Mark())
            hub.method("Say") { (call, text: String) in text }
            hub.stream("Count") { (call, limit: Int) in Numbers(limit: limit) }
        })
        let client = try hub.connect()

        // Name is untyped.
        for name in ["Say", "Name"] {
            #expect(try client.call(name, "\"hi\"").hasSuffix("\"result\":\"hi!\"}"))
            #expect(try client.call(name, "1").contains("Failed to invoke '\(name)' due to"))
        }
        #expect(try client.call("Forget").contains("An unexpected error occurred invoking"))
        try send(client, #"{"type":4,"invocationId":"s","target":"Count","arguments":[1]}"#)
        #expect(try client.receiveRecord() == #"{"type":2,"invocationId":"s","item":0}"#)
        #expect(try client.receiveRecord() == #"{"type":3,"invocationId":"s"}"#)
    }
}
