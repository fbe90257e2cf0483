import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

/// Two pods on one Redis, the fake one and, where there is one, a real one.
@Suite("RedisBackplane") struct RedisBackplaneTests {
    @Test(arguments: RedisKind.available)
    func `R05 to R11, R16, R17: each target reaches exactly its connections on both pods`(
        kind: RedisKind
    ) throws {
        let redis = try kind.make()
        let (here, there) = try Pod.pair(redis)
        let clients = [
            try here.connect("?user=ann"), try there.connect("?user=ann"),
            try there.connect("?user=bob"), try here.connect("?user=Ann"),
        ]
        let ids = try clients.map { try $0.connectionID() }
        for (client, group) in zip(clients, ["g", "g", "h", "a: b é"]) {
            _ = try client.call("Join", "\"\(group)\"")
        }

        let expectations: [(HubTarget, [Int])] = [
            (.all, [0, 1, 2, 3]), (.allExcept([ids[1], "x"]), [0, 2, 3]),
            (.allExcept([ids[0]]), [1, 2, 3]), (.connection(ids[2]), [2]),
            (.connection(ids[0]), [0]), (.connection("x"), []),
            (.connections([ids[0], ids[1], "", "x"]), [0, 1]), (.connections([]), []),
            (.group("g"), [0, 1]), (.group("none"), []), (.groups(["g", "", "h"]), [0, 1, 2]),
            (.groupExcept("g", excluded: [ids[0]]), [1]),
            (.groupExcept("g", excluded: [ids[1]]), [0]), (.group("a: b é"), [3]),
            (.user("ann"), [0, 1]), (.user("nobody"), []), (.users(["bob", "", "Ann"]), [2, 3]),
            (.users([]), []),
        ]
        for (number, (target, _)) in expectations.enumerated() {
            #expect(here.send(target, "\(number)") == nil)
        }
        #expect(here.send(.all, "End") == nil)

        for (index, client) in clients.enumerated() {
            let expected = expectations.enumerated()
                .filter { $0.element.1.contains(index) }.map { "\($0.offset)" }
            #expect(try client.targetsUntilEnd() == expected, "client \(index)")
        }
    }

    @Test(arguments: RedisKind.available)
    func `N09: both clients of a user get equal records, whichever pod sends`(
        kind: RedisKind
    ) throws {
        let (here, there) = try Pod.pair(try kind.make())
        let clients = [try here.connect("?user=ann"), try there.connect("?user=ann")]
        for pod in [here, there] {
            pod.server.send(
                to: .user("ann"), target: "Notification", arguments: [json("{\"orderId\":777}")],
                headers: [Header("traceparent", "00-1-2-01")])
            let records = try clients.map { try $0.receiveRecord() }
            #expect(records[0] == records[1])
            #expect(
                records[0] == #"{"type":1,"headers":{"traceparent":"00-1-2-01"},"#
                    + #""target":"Notification","arguments":[{"orderId":777}]}"#)
        }
    }

    // MARK: Echoes

    @Test(arguments: RedisKind.available)
    func `an own message is delivered once and its echo dropped and counted`(
        kind: RedisKind
    ) throws {
        let (here, there) = try Pod.pair(try kind.make())
        let client = try here.connect("?user=ann")
        let remote = try there.connect("?user=bob")
        for _ in 0..<20 {
            #expect(here.send(.user("ann"), "U") == nil)
            #expect(here.send(.all, "A") == nil)
        }
        #expect(here.send(.user("bob"), "U") == nil)
        #expect(here.send(.all, "End") == nil)
        #expect(try client.targetsUntilEnd() == (0..<20).flatMap { _ in ["U", "A"] })
        #expect(try remote.targetsUntilEnd() == (0..<20).map { _ in "A" } + ["U"])
        // What the other pod sends comes behind all echoes.
        #expect(there.send(.user("ann"), "End") == nil)
        #expect(try client.targetsUntilEnd() == [])

        let counters = here.backplane.counters
        #expect(counters.published.load(ordering: .relaxed) == 42)
        #expect(counters.echoesDropped.load(ordering: .relaxed) == 41)
        #expect(counters.received.load(ordering: .relaxed) == 42)
        #expect(there.backplane.counters.echoesDropped.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: RedisKind.available)
    func `another pod's message with the same bytes is delivered`(kind: RedisKind) throws {
        let redis = try kind.make()
        let pod = try Pod(redis, settings: .unique())
        pod.becomeAvailable()
        let client = try pod.connect("?user=ann")
        let payload = InvocationEnvelope(
            invocation: EncodedInvocation(target: "Same", arguments: [])
        ).encode()
        for scope in [BackplaneScope.user("ann"), .connection(try client.connectionID())] {
            try redis.publish(payload, to: pod.channels.name(of: scope))
        }
        #expect(pod.send(.user("ann"), "Same") == nil)
        try redis.publish(payload, to: pod.channels.name(of: .user("ann")))
        try redis.publish(payload, to: pod.channels.all)
        try redis.publish(envelope("End"), to: pod.channels.all)
        #expect(try client.targetsUntilEnd() == ["Same", "Same", "Same", "Same", "Same"])
        #expect(pod.backplane.counters.echoesDropped.load(ordering: .relaxed) == 1)
    }

    // MARK: .NET's envelopes

    @Test(arguments: RedisKind.available)
    func `R31: an envelope of a .NET pod is delivered, whatever stands on its channel`(
        kind: RedisKind
    ) throws {
        let redis = try kind.make()
        let pod = try Pod(redis, settings: .unique())
        pod.becomeAvailable()
        let client = try pod.connect("?user=ann")
        let id = try client.connectionID()
        let excluded = InvocationEnvelope(
            excludedIDs: [id], invocation: EncodedInvocation(target: "X", arguments: [])
        ).encode()
        let channels = pod.channels
        try redis.publish(
            BackplaneEnvelopeTests.rv14, to: channels.name(of: .user("ann")))
        try redis.publish(BackplaneEnvelopeTests.rv14, to: channels.all)
        // Excluded ids count for everybody and for groups only.
        try redis.publish(excluded, to: channels.all)
        try redis.publish(excluded, to: channels.name(of: .user("ann")))
        try redis.publish(excluded, to: channels.name(of: .connection(id)))
        for garbage in [[], [0xC1], [0x91, 0x90], Array("hello".utf8)] as [[UInt8]] {
            try redis.publish(garbage, to: channels.all)
            try redis.publish(garbage, to: channels.groupCommands)
        }
        try redis.publish(envelope("End"), to: channels.all)
        #expect(try client.targetsUntilEnd() == ["Send", "Send", "X", "X"])
        #expect(pod.backplane.counters.malformedDropped.load(ordering: .relaxed) == 8)
    }

    @Test func `R21: receivers whose protocol is missing are aborted, others stay`() throws {
        let redis = try FakeRedis()
        let pod = try Pod(redis, settings: .unique())
        pod.becomeAvailable()
        let receiver = try pod.connect("?user=ann")
        let other = try pod.connect("?user=bob")
        let bytes: [UInt8] = [0x92, 0x90, 0x81, 0xA2, 0x70, 0x31, 0xC4, 0x01, 0x2A]
        redis.publish(bytes, to: pod.channels.name(of: .user("ann")))
        #expect(try receiver.receiveRecord() == #"{"type":7}"#)
        #expect(pod.hub.ends(1) == [.aborted])
        #expect(try other.call("Nothing").contains("null"))
    }

    // MARK: Groups of other pods' connections

    @Test(arguments: RedisKind.available)
    func `R12 to R14: another pod's connection joins and leaves, once each`(
        kind: RedisKind
    ) throws {
        let (here, there) = try Pod.pair(try kind.make())
        let client = try there.connect()
        let id = try client.connectionID()
        for _ in 0..<2 { #expect(here.change(id, group: "g") == nil) }
        #expect(here.send(.group("g"), "In") == nil)
        for _ in 0..<2 { #expect(here.change(id, group: "g", isJoin: false) == nil) }
        #expect(here.send(.group("g"), "Out") == nil)
        #expect(here.send(.all, "End") == nil)
        #expect(try client.targetsUntilEnd() == ["In"])
    }

    @Test(arguments: RedisKind.available)
    func `R20: server names differ, and each hears its own acks only`(kind: RedisKind) throws {
        let redis = try kind.make()
        let (here, there) = try Pod.pair(redis)
        #expect(here.channels.serverName != there.channels.serverName)
        #expect(here.channels.all == there.channels.all)
        try redis.publish(
            GroupAck(id: 1).encode(), to: here.channels.acks(of: here.channels.serverName))
        let clients = [try here.connect(), try there.connect()]
        #expect(here.send(.all, "End") == nil)
        for client in clients { #expect(try client.targetsUntilEnd() == []) }
        #expect(there.backplane.counters.received.load(ordering: .relaxed) == 1)
    }

    // MARK: Subscriptions

    @Test func `R18: channels follow the local connections, users and groups`() throws {
        let redis = try FakeRedis()
        let pod = try Pod(redis, settings: .unique())
        pod.becomeAvailable()
        func channels(_ name: String) -> Set<String> {
            Set(redis.seen.withLock { $0 }.filter { $0[0] == name }.flatMap { $0.dropFirst() })
        }
        let own = pod.channels.serverName
        #expect(
            channels("SUBSCRIBE") == [
                pod.channels.all, pod.channels.groupCommands, pod.channels.acks(of: own),
                pod.channels.returns(of: own), pod.channels.transportReplies(to: own),
            ])
        let (first, second) = (try pod.connect("?user=ann"), try pod.connect("?user=ann"))
        let ids = [try first.connectionID(), try second.connectionID()]
        _ = try first.call("Join", "\"g\"")
        let user = pod.channels.name(of: .user("ann"))
        let group = pod.channels.name(of: .group("g"))
        let connections = ids.map { pod.channels.name(of: .connection($0)) }
        #expect(channels("SUBSCRIBE").isSuperset(of: connections + [user, group]))

        try first.close()
        _ = pod.hub.ends(1)
        // A subscription that is confirmed comes behind the unsubscribes before it.
        let third = try pod.connect("?user=ann")
        #expect(channels("UNSUBSCRIBE") == [connections[0], group])
        let isTogether = redis.seen.withLock { $0 }.contains {
            $0[0] == "SUBSCRIBE" && $0.contains(connections[0]) && $0.contains(user)
        }
        #expect(isTogether)
        withExtendedLifetime((second, third)) {}
    }

    @Test(arguments: RedisKind.available)
    func `R19: quick leaves and joins lose no subscription`(kind: RedisKind) throws {
        let (here, there) = try Pod.pair(try kind.make())
        let clients = [try there.connect(), try there.connect()]
        for _ in 0..<50 {
            for client in clients { _ = try client.call("Join", "\"g\"") }
            for client in clients { _ = try client.call("Leave", "\"g\"") }
        }
        for client in clients { _ = try client.call("Join", "\"g\"") }
        #expect(here.send(.group("g"), "G") == nil)
        #expect(here.send(.all, "End") == nil)
        for client in clients { #expect(try client.targetsUntilEnd() == ["G"]) }
    }

    @Test func `R22, R28: other prefixes and hubs are other worlds`() throws {
        let redis = try FakeRedis()
        let base = BackplaneSettings.unique()
        var (prefixed, otherHub) = (base, base)
        prefixed.channelPrefix += "2"
        otherHub.hubTypeName = "App.ChatHub"
        let pods = try [base, prefixed, otherHub].map { try Pod(redis, settings: $0) }
        for pod in pods { pod.becomeAvailable() }
        let clients = try pods.map { try $0.connect("?user=ann") }
        for (number, pod) in pods.enumerated() {
            #expect(pod.send(.user("ann"), "\(number)") == nil)
        }
        for pod in pods { #expect(pod.send(.all, "End") == nil) }
        for (number, client) in clients.enumerated() {
            #expect(try client.targetsUntilEnd() == ["\(number)"])
        }
    }

    @Test func `R27: one that does not read holds up no other`() throws {
        let (here, there) = try Pod.pair(try FakeRedis())
        let slow = try there.connect("?user=slow")
        let reader = try there.connect("?user=ann")
        let argument = RawValue.string(String(repeating: "x", count: 60_000))
        for _ in 0..<150 {
            here.server.send(to: .user("slow"), target: "Big", arguments: [argument])
            #expect(here.send(.user("ann"), "Small") == nil)
            #expect(try reader.receiveRecord().contains("Small"))
        }
        withExtendedLifetime(slow) {}
    }

    // MARK: Help

    private func envelope(_ target: String) -> [UInt8] {
        InvocationEnvelope(invocation: EncodedInvocation(target: target, arguments: [])).encode()
    }
}
