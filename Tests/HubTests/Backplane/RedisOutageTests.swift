import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

/// What clients notice when Redis breaks, freezes, refuses or goes away: nothing but a gap.
@Suite("Redis outages") struct RedisOutageTests {
    @Test(arguments: RedisKind.available)
    func `a cut subscription is told with the time since when, and everything works again`(
        kind: RedisKind
    ) throws {
        let redis = try kind.make()
        let settings = BackplaneSettings.unique()
        let (here, there) = try Pod.pair(redis, settings)
        let client = try there.connect("?user=ann")
        _ = try client.call("Join", "\"g\"")
        let before = SystemTime().wallNow

        try redis.cutSubscribers(named: settings.channelPrefix)

        let gap = try #require(there.resumed(2))
        #expect(gap.users == ["ann"])
        #expect(gap.since <= SystemTime().wallNow)
        #expect(gap.since > before.advanced(by: .seconds(-60)))
        #expect(there.backplane.counters.gaps.load(ordering: .relaxed) == 1)
        #expect(here.resumed(2)?.users == [])
        for target in [HubTarget.user("ann"), .group("g"), .all] {
            #expect(here.send(target, "Again") == nil)
        }
        #expect(here.send(.all, "End") == nil)
        #expect(try client.targetsUntilEnd() == ["Again", "Again", "Again"])
    }

    @Test func `R24 to R26: while Redis is away clients stay, come, and hear their own pod`() throws
    {
        let redis = try FakeRedis()
        let (here, there) = try Pod.pair(redis)
        let old = try here.connect("?user=ann")
        let remote = try there.connect("?user=ann")
        redis.obey(.goAway)

        let new = try here.connect("?user=ann")
        _ = try new.call("Join", "\"g\"")
        guard case .unavailable(let reason) = here.send(.user("ann"), "Away") else {
            Issue.record("published without a server")
            return
        }
        #expect(reason.contains("redis"))
        #expect(!here.backplane.isAvailable)
        #expect(try old.receiveRecord().contains("Away"))
        #expect(try new.receiveRecord().contains("Away"))
        let id = try remote.connectionID()
        guard case .unavailable = here.change(id, group: "g") else {
            Issue.record("a group of another pod was changed without a server")
            return
        }

        redis.obey(.comeBack)
        #expect(here.resumed(2)?.users == ["ann"])
        #expect(there.resumed(2)?.users == ["ann"])
        for pod in [here, there] { pod.becomeAvailable() }
        #expect(there.send(.user("ann"), "Back") == nil)
        #expect(there.send(.group("g"), "Group") == nil)
        #expect(there.send(.all, "End") == nil)
        #expect(try old.targetsUntilEnd() == ["Back"])
        #expect(try new.targetsUntilEnd() == ["Back", "Group"])
        // The remote one has heard nothing of what was sent while its pod was cut off.
        #expect(try remote.targetsUntilEnd() == ["Back"])
    }

    @Test func `a pod that starts without Redis serves its clients and joins the others later`()
        throws
    {
        let redis = try FakeRedis()
        redis.obey(.goAway)
        let settings = BackplaneSettings.unique()
        let started = SystemTime().wallNow
        let late = try Pod(redis, settings: settings)
        let client = try late.connect("?user=ann")
        late.server.send(to: .user("ann"), target: "Local", arguments: [])
        #expect(try client.receiveRecord().contains("Local"))

        redis.obey(.comeBack)
        let gap = try #require(late.resumed())
        #expect(gap.users == ["ann"] && gap.since >= started)
        let other = try Pod(redis, settings: settings)
        other.becomeAvailable()
        #expect(other.send(.user("ann"), "Remote") == nil)
        #expect(try client.receiveRecord().contains("Remote"))
    }

    @Test func `a frozen Redis keeps no new client waiting, and is told as a gap`() throws {
        let redis = try FakeRedis()
        let (here, there) = try Pod.pair(redis)
        let old = try here.connect("?user=ann")
        redis.obey(.freeze)

        // It waits for its subscription until the server counts as stalled.
        let new = try here.connect("?user=bob")
        #expect(try new.call("Nothing").contains("null"))
        #expect(!here.backplane.isAvailable)
        here.server.sendLocally(to: .all, target: "Local", arguments: [])
        #expect(try old.receiveRecord().contains("Local"))
        #expect(try new.receiveRecord().contains("Local"))

        redis.obey(.thaw)
        let gap = try #require(here.resumed(2))
        #expect(Set(gap.users) == ["ann", "bob"])
        there.becomeAvailable(afterGaps: 2)
        #expect(there.send(.user("bob"), "Thawed") == nil)
        #expect(try new.receiveRecord().contains("Thawed"))
    }

    @Test func `everything is subscribed again in commands of bounded size`() throws {
        let redis = try FakeRedis()
        var settings = BackplaneSettings.unique()
        settings.channelCountPerCommandMax = 4
        settings.channelCountUnderWayMax = 8
        let pod = try Pod(redis, settings: settings)
        pod.becomeAvailable()
        let clients = try (0..<20).map { try pod.connect("?user=u\($0)") }
        let before = redis.commands("SUBSCRIBE").count

        redis.obey(.cutSubscribers)

        #expect(pod.resumed(2)?.users.count == 20)
        let commands = redis.commands("SUBSCRIBE").dropFirst(before)
        #expect(commands.allSatisfy { (2...5).contains($0.count) })
        let channels = commands.flatMap { $0.dropFirst() }
        #expect(channels.count == 45 && Set(channels).count == 45)
        withExtendedLifetime(clients) {}
    }

    @Test func `a refused SUBSCRIBE keeps nobody waiting and is tried until it is allowed`() throws
    {
        let redis = try FakeRedis()
        let pod = try Pod(redis, settings: .unique())
        pod.becomeAvailable()
        redis.obey(.forbid(":user:"))
        let client = try pod.connect("?user=ann")
        #expect(try client.call("Nothing").contains("null"))
        #expect(!pod.backplane.isAvailable)
        #expect(pod.send(.user("ann"), "Local") == nil)
        #expect(try client.receiveRecord().contains("Local"))

        redis.obey(.forbid(nil))
        #expect(pod.resumed(2)?.users == ["ann"])
        redis.publish(BackplaneEnvelopeTests.rv13, to: pod.channels.name(of: .user("ann")))
        #expect(try client.receiveRecord().contains("Send"))
    }

    @Test func `messages of an outage are no echoes afterwards`() throws {
        let redis = try FakeRedis()
        let pod = try Pod(redis, settings: .unique())
        pod.becomeAvailable()
        let client = try pod.connect("?user=ann")
        redis.obey(.freeze)
        // Published into the silence: whether Redis has it nobody knows.
        guard case .unavailable = pod.send(.user("ann"), "Same") else {
            Issue.record("a frozen server took a message")
            return
        }
        redis.obey(.goAway)
        redis.obey(.thaw)
        redis.obey(.comeBack)
        pod.becomeAvailable(afterGaps: 2)
        let same = InvocationEnvelope(
            invocation: EncodedInvocation(target: "Same", arguments: []))
        redis.publish(same.encode(), to: pod.channels.name(of: .user("ann")))
        let end = InvocationEnvelope(invocation: EncodedInvocation(target: "End", arguments: []))
        redis.publish(end.encode(), to: pod.channels.all)
        #expect(try client.targetsUntilEnd() == ["Same", "Same"])
        #expect(pod.backplane.counters.echoesDropped.load(ordering: .relaxed) == 0)
    }
}

/// What only a real server can show.
@Suite("Real Redis", .enabled(if: RealRedis.shared != nil)) struct RealRedisTests {
    @Test func `R24: a server that is killed and started again loses no client`() throws {
        let redis = try RedisServer()
        let (here, there) = try Pod.pair(RealRedis(port: redis.port))
        let clients = [try here.connect("?user=ann"), try there.connect("?user=ann")]
        redis.stop()
        guard case .unavailable = here.send(.user("ann"), "Away") else {
            Issue.record("published without a server")
            return
        }
        #expect(try clients[0].receiveRecord().contains("Away"))

        try redis.start()
        #expect(here.resumed(2)?.users == ["ann"])
        #expect(there.resumed(2)?.users == ["ann"])
        here.becomeAvailable()
        #expect(here.send(.user("ann"), "Back") == nil)
        for client in clients { #expect(try client.receiveRecord().contains("Back")) }
    }

    @Test func `a server that is frozen and wakes up is a gap, and nothing else`() throws {
        let redis = try RedisServer()
        let pod = try Pod(RealRedis(port: redis.port), settings: .unique())
        pod.becomeAvailable()
        let client = try pod.connect("?user=ann")
        redis.freeze()
        let new = try pod.connect("?user=ann")
        #expect(try new.call("Nothing").contains("null"))
        redis.thaw()
        #expect(pod.resumed(2)?.users == ["ann"])
        pod.becomeAvailable()
        #expect(pod.send(.user("ann"), "Awake") == nil)
        for client in [client, new] { #expect(try client.receiveRecord().contains("Awake")) }
    }

    @Test func `R33: a user with the pub/sub commands and the hub's channels only is enough`()
        throws
    {
        let redis = try #require(RealRedis.shared)
        let settings = BackplaneSettings.unique()
        let user = settings.channelPrefix
        try redis.run(
            "ACL", "SETUSER", user, "on", ">secret", "resetkeys", "resetchannels", "&\(user)*",
            "-@all", "+subscribe", "+unsubscribe", "+publish", "+ping", "+auth", "+select",
            "+client", "+hello")
        defer { _ = try? redis.run("ACL", "DELUSER", user) }  // nothing depends on its being gone
        let pods = try (0..<2).map { _ in
            try Pod(redis, settings: settings) { options in
                options.user = user
                options.password = "secret"
            }
        }
        for pod in pods { pod.becomeAvailable() }
        let client = try pods[1].connect("?user=ann")
        #expect(pods[0].send(.user("ann"), "Allowed") == nil)
        #expect(try client.receiveRecord().contains("Allowed"))
        let id = try client.connectionID()
        #expect(pods[0].change(id, group: "g") == nil)
    }
}
