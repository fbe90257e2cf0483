import Foundation
import Loop
import Testing
import TestSupport

@testable import Hub

/// What docs/HUBS.md says is true.
@Suite("docs/HUBS.md") struct GuideTests {
    // MARK: Its text

    @Test func `every block of code stands in GuideHub`() throws {
        let source = try lines(of: "Tests/HubTests/Typed/GuideHub.swift")
        let guide = try String(contentsOf: root.appending(path: "docs/HUBS.md"), encoding: .utf8)
        let blocks = guide.components(separatedBy: "```swift\n").dropFirst().map { rest in
            rest.components(separatedBy: "```")[0]
        }

        #expect(blocks.count >= 10)
        for block in blocks {
            let wanted = trimmed(block)
            let isThere = source.indices.contains { start in
                source[start...].starts(with: wanted)
            }
            #expect(isThere, "not in GuideHub.swift:\n\(block)")
        }
    }

    private var root: URL {
        URL(filePath: #filePath).appending(path: "../../../..").standardized
    }

    private func lines(of file: String) throws -> [Substring] {
        trimmed(try String(contentsOf: root.appending(path: file), encoding: .utf8))
    }

    /// Without indentation, which differs, and empty lines.
    private func trimmed(_ text: String) -> [Substring] {
        text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }
    }

    // MARK: Its code

    @Test func `the first hub does what it says`() async throws {
        let logged = Noted<String>()
        let hub = HubStand { $0 = GuideHub.first { logged.note($0) } }
        let items = Noted<String>()

        #expect(hub.told(try await hub.call("Add", "1", "2")) == "3")
        #expect(try await hub.call("Say", "\"hi\"") == .void)
        #expect(
            hub.told(try await hub.call("Sum", uploads: [upload("1", "2", "3")])) == "6")
        #expect(try await hub.call("Count", "3", output: taking(items)) == .void)
        #expect(items.values == ["0", "1", "2"])
        async let asked = hub.call("Ask", "\"a\"")
        await hub.backplane.questions.first(1)[0].1(.result(json("\"bob\"")))
        #expect(hub.told(try await asked) == "\"bob\"")
        #expect(logged.values.first == "ann calls Add")

        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(hub.caller, .sample { decided.note($0) })
        #expect(await decided.first(1) == [.accept])
        hub.methods.onDisconnected(hub.caller, .clientGone)
        #expect(
            await hub.backplane.sent.first(3).map(\.record) == [
                #"{"type":1,"target":"Said","arguments":["hi"]}"#,
                #"{"type":1,"target":"Joined","arguments":["ann"]}"#,
                #"{"type":1,"target":"Left","arguments":["ann"]}"#,
            ])
    }

    @Test func `the methods of the other chapters do too`() async throws {
        let hub = HubStand { hub in
            GuideHub.methods(&hub)
            GuideHub.uploads(&hub)
            GuideHub.groups(&hub)
            GuideHub.results(&hub)
            GuideHub.errors(&hub)
            GuideHub.cancellation(&hub)
        }
        let message = #"{"user":"ann","text":"hi"}"#

        #expect(try await hub.call("Post", message, "null") == .void)
        #expect(hub.told(try await hub.call("WhoAmI")) == "\"ann\"")
        #expect(hub.told(try await hub.call("Anything", "[1.50]")) == "[1.50]")
        #expect(hub.told(try await hub.call("Fibonacci", "10")) == "55")
        let all = upload(message, message)
        #expect(hub.told(try await hub.call("Import", "\"r\"", uploads: [all])) == "\"all 2\"")
        let broken = upload(message, ending: .failed("it broke"))
        #expect(
            hub.told(try await hub.call("Import", "\"r\"", uploads: [broken]))
                == "\"stopped after 1: it broke\"")
        #expect(try await hub.call("Enter", "\"r\"") == .void)
        #expect(try await hub.call("Whisper", "\"bob\"", "\"psst\"") == .void)
        #expect(
            try await hub.call("Divide", "1", "0") == .hubException("You cannot divide by zero."))
        #expect(try await hub.call("Slowly", "2") == .void)
        #expect(hub.received.values.count == 2)
        try await GuideHub.outside(hub.server)
        #expect(hub.backplane.sent.values.last?.target == .user("ann"))
    }

    @Test(.blocking) func `only a moderator mutes`() throws {
        let hub = try HubHarness(adding: { GuideHub.access(&$0) })
        let ann = try hub.connect("?user=ann")
        let moderator = try hub.connect("?user=moderator")

        #expect(
            try ann.call("Mute", "\"bob\"").contains(
                "\"Failed to invoke 'Mute' because user is unauthorized\""))
        #expect(try moderator.call("Mute", "\"ann\"").contains("\"result\":null"))
        #expect(try ann.receiveRecord() == #"{"type":1,"target":"Muted","arguments":[]}"#)
    }

    @Test func `only who answers yes has voted yes`() async throws {
        let hub = HubStand { GuideHub.results(&$0) }
        async let votes = hub.call("Vote", #"["a","b","c"]"#, "\"Pizza?\"")
        for (number, answer) in [json("true"), json("false"), json("\"?\"")].enumerated() {
            await hub.backplane.questions.first(number + 1)[number].1(.result(answer))
        }

        #expect(hub.told(try await votes) == "1")
    }

    @Test(
        arguments: [
            ("ann", ConnectDecision.accept), ("bob", .failed(.hubException("The room is full."))),
            (nil, .abort),
        ] as [(String?, ConnectDecision)])
    func `the door is kept`(user: String?, decision: ConnectDecision) async throws {
        let hub = HubStand { GuideHub.lifetime(&$0) { $0 == "ann" } }
        let caller = HubCaller.sample(userID: user)
        let decided = Noted<ConnectDecision>()
        hub.methods.onConnected(caller, .sample { decided.note($0) })

        #expect(await decided.first(1) == [decision])
    }

    @Test func `a filter skips and changes`() async throws {
        let hub = HubStand { hub in
            hub.filter(Shout())
            hub.method("Secret") { call in "secret" }
            hub.method("Greet") { call in "hello" }
        }

        #expect(try await hub.call("Secret") == .void)
        #expect(hub.told(try await hub.call("Greet")) == "\"HELLO\"")
    }

    @Test func `the server of the guide listens and negotiates`() throws {
        let address = Monitor<String?>(nil)
        let loops = try GuideHub.serve(GuideHub.first { _ in }, port: 0) { bound in
            address.update { $0 = bound }
        }
        defer { loops.stop() }

        let client = try BlockingClient(to: try #require(address.update { $0 }))
        try client.send(
            "POST /chat/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: t\r\n"
                + "Content-Length: 0\r\nConnection: close\r\n\r\n")
        let answer = String(decoding: try client.receiveToEnd(), as: UTF8.self)
        #expect(answer.contains("\"connectionToken\""))
    }
}
