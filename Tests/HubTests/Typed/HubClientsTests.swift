import Testing

@testable import Hub

@Suite("HubClients") struct HubClientsTests {
    @Test(
        arguments: [
            ("all", .all), ("allExcept", .allExcept(["a", "b"])), ("others", .allExcept(["me"])),
            ("client", .connection("a")), ("clients", .connections(["a", "b"])),
            ("group", .group("g")), ("groups", .groups(["g", "h"])),
            ("groupExcept", .groupExcept("g", excluded: ["a"])),
            ("othersInGroup", .groupExcept("g", excluded: ["me"])), ("user", .user("ann")),
            ("users", .users(["ann", "bob"])),
        ] as [(String, HubTarget)])
    func `every selection names its target`(name: String, target: HubTarget) async throws {
        let hub = HubStand { hub in
            hub.method("Tell") { (call, whom: String) in
                let clients = call.clients
                switch whom {
                case "all": try await clients.all.send("Told", 1, "x")
                case "allExcept": try await clients.allExcept(["a", "b"]).send("Told", 1, "x")
                case "others": try await clients.others.send("Told", 1, "x")
                case "client": try await clients.client("a").send("Told", 1, "x")
                case "clients": try await clients.clients(["a", "b"]).send("Told", 1, "x")
                case "group": try await clients.group("g").send("Told", 1, "x")
                case "groups": try await clients.groups(["g", "h"]).send("Told", 1, "x")
                case "groupExcept": try await clients.groupExcept("g", ["a"]).send("Told", 1, "x")
                case "othersInGroup": try await clients.othersInGroup("g").send("Told", 1, "x")
                case "user": try await clients.user("ann").send("Told", 1, "x")
                default: try await clients.users(["ann", "bob"]).send("Told", 1, "x")
                }
            }
        }

        #expect(try await hub.call("Tell", "\"\(name)\"") == .void)
        let record = #"{"type":1,"target":"Told","arguments":[1,"x"]}"#
        #expect(hub.backplane.sent.values == [.init(target: target, record: record)])
    }

    @Test func `the caller is told by its own connection`() async throws {
        let hub = HubStand { hub in
            hub.method("Me") { call in
                try await call.clients.caller.send("Told")
                try await call.clients.client(call.caller.connectionID).send("Told", true)
            }
        }

        #expect(try await hub.call("Me") == .void)
        #expect(hub.backplane.sent.values.isEmpty)
        #expect(
            hub.received.values == [
                #"{"type":1,"target":"Told","arguments":[]}"#,
                #"{"type":1,"target":"Told","arguments":[true]}"#,
            ])
    }

    @Test func `outside of a call nobody is the caller`() async throws {
        let hub = HubStand { _ in }
        let clients = hub.server.clients
        try await clients.others.send("Told")
        try await clients.othersInGroup("g").send("Told")

        #expect(
            hub.backplane.sent.values.map(\.target)
                == [.allExcept([]), .groupExcept("g", excluded: [])])
        await #expect(throws: HubException("Connection '' does not exist.")) {
            async let asked: Void = clients.caller.invoke("Name")
            await hub.backplane.questions.first(1)[0].1(.unknown(connectionID: ""))
            try await asked
        }
    }

    @Test func `a publish that fails is the method's error`() async throws {
        let backplane = ScriptedBackplane(failingWith: .unavailable(reason: "away"))
        let hub = HubStand(backplane: backplane) { hub in
            hub.method("Say") { (call, text: String) in
                try await call.clients.all.send("Said", text)
            }
            hub.method("Join") { (call, id: String) in try await call.groups.join(id, "g") }
        }

        for name in ["Say", "Join"] {
            #expect(
                hub.told(try await hub.call(name, "\"x\""))
                    == "An unexpected error occurred invoking 'M' on the server.")
        }
        #expect(backplane.sent.values.count == 1)
    }

    @Test func `an argument that cannot be encoded is sent to nobody`() async throws {
        let hub = HubStand { hub in
            hub.method("Say") { call in try await call.clients.all.send("Said", Unwritable()) }
        }

        let told = hub.told(try await hub.call("Say"))
        #expect(told == "An unexpected error occurred invoking 'M' on the server.")
        #expect(hub.backplane.sent.values.isEmpty)
    }

    @Test func `groups change for any connection`() async throws {
        let hub = HubStand { hub in
            hub.method("Move") { (call, id: String) in
                try await call.groups.join(id, "g")
                try await call.groups.leave(id, "h")
            }
        }

        #expect(try await hub.call("Move", "\"a\"") == .void)
        #expect(
            hub.backplane.changes.values == [
                GroupChange(connectionID: "a", group: "g", isJoin: true),
                GroupChange(connectionID: "a", group: "h", isJoin: false),
            ])
    }

    @Test func `a method under test without a server reaches its caller only`() async throws {
        let received = Noted<[UInt8]>()
        let answered = LateValue<HubOutcome>()
        let caller = HubCaller.sample { received.note($0) }
        let call = HubCall.sample(caller: caller, reply: .sample { answered.give($0) })
        try await call.clients.caller.send("Told")
        try await call.clients.all.send("Told")
        try await call.groups.join("sample", "g")

        #expect(received.values.count == 1)
        await #expect(throws: HubException("Connection 'a' does not exist.")) {
            try await call.clients.client("a").invoke("Name")
        }
    }
}
