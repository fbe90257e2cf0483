import Testing
import TestSupport

@testable import Hub

private struct Watch: HubFilter {
    let seen: Noted<String>

    func invoke(
        _ call: HubCall, next: @Sendable (HubCall) async throws -> HubResult
    ) async throws -> HubResult {
        seen.note(call.target)
        return try await next(call)
    }
}

/// Methods that only some may call, on real sockets.
@Suite("HubAuthorization", .blocking) struct HubAuthorizationTests {
    /// Only ann may call any method whose name begins with "Close".
    private func harness(
        options: HubOptions = HubOptions(), watch: Watch? = nil
    ) throws -> HubHarness {
        try HubHarness(
            options: options,
            adding: { hub in
                if let watch { hub.filter(watch) }
                hub.method("Close", arity: 0) { call in call.reply.result(.string("untyped")) }
                hub.method("CloseRoom") { (call, room: String) in "closed \(room)" }
                hub.stream("CloseAll") { (call, count: Int) in Numbers(limit: count) }
                hub.method("CloseThose") { (call, rooms: HubUpload<String>) in
                    try await rooms.reduce("", +)
                }
                for name in ["close", "CloseRoom", "CloseAll", "CloseThose"] {
                    hub.authorize(name) { caller in caller.userID == "ann" }
                }
            })
    }

    private func refusal(_ name: String, id: String = "1") -> String {
        "{\"type\":3,\"invocationId\":\"\(id)\",\"error\":\"Failed to invoke '\(name)' "
            + "because user is unauthorized\"}"
    }

    @Test func `who may call a method gets its result, and others are told that they may not`()
        throws
    {
        let hub = try harness()
        let ann = try hub.connect("?user=ann")
        let others = [try hub.connect("?user=bob"), try hub.connect()]

        #expect(try ann.call("Close").hasSuffix("\"result\":\"untyped\"}"))
        #expect(try ann.call("CloseRoom", "\"r\"").hasSuffix("\"result\":\"closed r\"}"))
        for other in others {
            #expect(try other.call("Close") == refusal("Close"))
            #expect(try other.call("CloseRoom", "\"r\"") == refusal("CloseRoom"))
            // What has no rule is for everybody.
            #expect(try other.call("Name", "\"x\"").hasSuffix("\"result\":\"x\"}"))
        }
    }

    @Test func `a refused stream has no items, and what is uploaded is dropped`() throws {
        let hub = try harness()
        let clients = [try hub.connect("?user=ann"), try hub.connect("?user=bob")]
        for client in clients {
            try client.send(
                #"{"type":4,"invocationId":"s","target":"CloseAll","arguments":[1]}"# + "\u{1E}")
        }
        #expect(try clients[0].receiveRecord() == #"{"type":2,"invocationId":"s","item":0}"#)
        #expect(try clients[0].receiveRecord() == #"{"type":3,"invocationId":"s"}"#)
        #expect(try clients[1].receiveRecord() == refusal("CloseAll", id: "s"))

        for client in clients {
            try client.send(
                #"{"type":1,"invocationId":"u","target":"CloseThose","arguments":[],"#
                    + "\"streamIds\":[\"x\"]}\u{1E}"
                    + "{\"type\":2,\"invocationId\":\"x\",\"item\":\"r\"}\u{1E}"
                    + "{\"type\":3,\"invocationId\":\"x\"}\u{1E}")
        }
        #expect(
            try clients[0].receiveRecord() == #"{"type":3,"invocationId":"u","result":"r"}"#)
        #expect(try clients[1].receiveRecord() == refusal("CloseThose", id: "u"))
        #expect(try clients[1].call("Nothing").contains("null"))
    }

    @Test func `the name in the refusal is the caller's, and no rule depends on its case`() throws {
        let hub = try harness()
        let client = try hub.connect("?user=bob")

        for name in ["Close", "close", "CLOSE"] {
            #expect(try client.call(name) == refusal(name))
        }
    }

    @Test func `who does not ask for an answer is not told, and lives`() throws {
        let hub = try harness()
        let client = try hub.connect("?user=bob")
        try client.send("{\"type\":1,\"target\":\"Close\",\"arguments\":[]}\u{1E}")

        #expect(try client.call("Nothing").contains("null"))
    }

    @Test func `details tell no more`() throws {
        var options = HubOptions()
        options.enableDetailedErrors = true
        let hub = try harness(options: options)

        #expect(try hub.connect().call("Close") == refusal("Close"))
    }

    @Test func `filters do not see what is refused`() throws {
        let watch = Watch(seen: Noted())
        let hub = try harness(watch: watch)
        let (ann, bob) = (try hub.connect("?user=ann"), try hub.connect("?user=bob"))

        #expect(try bob.call("Close") == refusal("Close"))
        #expect(try ann.call("CloseRoom", "\"r\"").hasSuffix("\"result\":\"closed r\"}"))
        #expect(watch.seen.values == ["CloseRoom"])
    }

    @Test func `a rule for a method that is not there is a programmer's error`() async {
        await #expect(processExitsWith: .failure) {
            var hub = HubMethods()
            hub.authorize("Close") { _ in true }
        }
    }
}
