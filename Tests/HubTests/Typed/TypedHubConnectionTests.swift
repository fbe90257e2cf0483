import Testing
import TestSupport

@testable import Hub

/// The typed layer on real sockets.
@Suite("Typed hub on a connection", .blocking) struct TypedHubConnectionTests {
    private func harness() throws -> HubHarness {
        try HubHarness(adding: { hub in
            hub.method("Add") { (call, a: Int, b: Int) in a + b }
            hub.method("AddLater") { (call, a: Int, b: Int) in
                await Task.yield()
                return a + b
            }
            hub.method("ThrowHub") { (call, text: String) async throws in
                throw HubException(text)
            }
            hub.method("TellMe") { (call, text: String) in
                try await call.clients.caller.send("Told", text)
                return "done"
            }
            hub.method("TellAll") { (call, text: String) in
                try await call.clients.all.send("Told", text)
            }
            hub.method("TellOthers") { (call, text: String) in
                try await call.clients.others.send("Told", text)
            }
            hub.method("TellUser") { (call, user: String, text: String) in
                try await call.clients.user(user).send("Told", text)
            }
            hub.method("TellGroup") { (call, group: String, text: String) in
                try await call.clients.group(group).send("Told", text)
            }
            hub.method("TellOthersInGroup") { (call, group: String, text: String) in
                try await call.clients.othersInGroup(group).send("Told", text)
            }
            hub.method("Enter") { (call, group: String) in
                try await call.groups.join(call.caller.connectionID, group)
            }
            hub.method("Exit") { (call, group: String) in
                try await call.groups.leave(call.caller.connectionID, group)
            }
        })
    }

    private func told(_ text: String) -> String {
        "{\"type\":1,\"target\":\"Told\",\"arguments\":[\"\(text)\"]}"
    }

    @Test func `calls are answered in order, whether they wait or not`() throws {
        let hub = try harness()
        let client = try hub.connect()
        try client.send(
            ["AddLater", "Add", "AddLater"].enumerated().map { number, name in
                "{\"type\":1,\"invocationId\":\"\(number)\",\"target\":\"\(name)\","
                    + "\"arguments\":[\(number),1]}\u{1E}"
            }.joined())

        for number in 0..<3 {
            #expect(
                try client.receiveRecord()
                    == "{\"type\":3,\"invocationId\":\"\(number)\",\"result\":\(number + 1)}")
        }
    }

    @Test func `what does not fit and what is thrown is told as the protocol has it`() throws {
        let hub = try harness()
        let client = try hub.connect()
        let binding = "Failed to invoke 'NAME' due to an error on the server.\""
        for name in ["Add", "AddLater"] {
            let text = binding.replacing("NAME", with: name)
            #expect(try client.call(name, "1").contains(text))
            #expect(try client.call(name, "1,\"x\"").contains(text))
        }
        #expect(
            try client.call("ThrowHub", "\"no\"").contains(
                "An unexpected error occurred invoking 'ThrowHub' on the server. "
                    + "HubException: no\""))
    }

    @Test func `what a method sends to its caller arrives before its completion`() throws {
        let hub = try harness()
        let client = try hub.connect()
        #expect(try client.call("TellMe", "\"hi\"") == told("hi"))
        #expect(try client.receiveRecord().hasSuffix("\"result\":\"done\"}"))
    }

    @Test func `everybody, the others and a user's connections are told`() throws {
        let hub = try harness()
        let ann = try hub.connect("?user=ann")
        let annToo = try hub.connect("?user=ann")
        let bob = try hub.connect("?user=bob")

        #expect(try ann.call("TellAll", "\"1\"") == told("1"))
        #expect(try ann.receiveRecord().contains("null"))
        #expect(try bob.call("TellOthers", "\"2\"") == told("1"))
        #expect(try bob.receiveRecord().contains("null"))
        #expect(try bob.call("TellUser", "\"ann\",\"3\"").contains("null"))

        #expect(try [ann.receiveRecord(), ann.receiveRecord()] == [told("2"), told("3")])
        let both = try [annToo.receiveRecord(), annToo.receiveRecord(), annToo.receiveRecord()]
        #expect(both == [told("1"), told("2"), told("3")])
    }

    @Test func `a group's members are told from their joining to their leaving`() throws {
        let hub = try harness()
        let (ann, bob) = (try hub.connect(), try hub.connect())
        for client in [ann, bob] { #expect(try client.call("Enter", "\"g\"").contains("null")) }

        #expect(try ann.call("TellOthersInGroup", "\"g\",\"1\"").contains("null"))
        #expect(try bob.receiveRecord() == told("1"))
        #expect(try bob.call("TellGroup", "\"G\",\"2\"").contains("null"))
        #expect(try ann.call("Exit", "\"g\"").contains("null"))
        #expect(try bob.call("TellGroup", "\"g\",\"3\"") == told("3"))
        #expect(try bob.receiveRecord().contains("null"))
        // Nothing came in between.
        #expect(try ann.call("Add", "1,1").contains("2"))
    }

    @Test func `who asks for it is told of a connection's end before the hub is`() throws {
        let order = Noted<String>()
        let hub = try HubHarness(
            onConnected: { caller in
                caller.whenEnded { order.note("told") }
                return .accept
            },
            adding: { hub in
                hub.method("WhenEnded") { call in
                    call.caller.whenEnded { order.note("told too") }
                }
            })
        let client = try hub.connect()
        #expect(try client.call("WhenEnded").contains("null"))
        try client.close()

        #expect(hub.ends(1) == [.clientGone])
        #expect(order.values == ["told", "told too"])
    }

    @Test func `the host tells clients outside of any call`() async throws {
        let hub = try harness()
        let client = try hub.connect("?user=ann")
        try await hub.server.clients.user("ann").send("Told", "hi")
        #expect(try client.receiveRecord() == told("hi"))
    }
}
