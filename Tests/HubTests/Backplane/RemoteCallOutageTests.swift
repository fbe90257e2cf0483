import Loop
import Testing
import TestSupport

@testable import Hub

/// What waits for another pod when that pod, Redis or a right is missing.
@Suite("Calls to other pods in an outage", .timeLimit(.minutes(2)))
struct RemoteCallOutageTests {
    private let clock = ContinuousClock()
    private let unavailable = TransportAnswer(status: 503, contentType: "", body: [])

    // MARK: Group changes

    @Test(arguments: RedisKind.available)
    func `R15: changing the groups of a connection of nobody fails within a second`(
        kind: RedisKind
    ) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let start = clock.now
        #expect(try asker.change("nobody").value() == .unanswered)
        #expect(clock.now - start < .seconds(1))
        #expect(try asker.change("c").value() == nil)
        #expect(try owner.changes(2).map(\.connectionID) == ["nobody", "c"])
    }

    @Test func `a pod that holds the connection and does not answer is waited for`() throws {
        var settings = BackplaneSettings.unique()
        settings.watchInterval = .milliseconds(20)
        settings.ackTimeout = .milliseconds(200)
        let redis = try FakeRedis()
        let (asker, owner) = try BarePod.pair(redis, settings)
        // It listens on the channel and has lost the connection.
        owner.backplane.subscribe(to: [.connection("silent")]) {}
        owner.hold("other")
        let start = clock.now
        #expect(try asker.change("silent").value() == .unanswered)
        #expect(clock.now - start >= settings.ackTimeout)
    }

    // MARK: Redis

    @Test(.enabled(if: RealRedis.shared != nil))
    func `a Redis that is killed ends whatever waits, at once`() throws {
        let server = try RedisServer()
        let (asker, owner) = try BarePod.pair(RealRedis(port: server.port))
        let (question, poll) = (asker.ask(), asker.forward(.poll))
        _ = (try owner.asked(), try owner.forwarded())

        server.stop()
        let start = clock.now
        try expectUnavailable(question)
        #expect(try poll.value() == unavailable)
        #expect(clock.now - start < .seconds(1))
        // And what comes then.
        try expectUnavailable(asker.ask())
        #expect(try asker.forward(.send([1])).value() == unavailable)
        guard case .unavailable = try asker.change("c").value() else {
            Issue.record("a group was changed without a server")
            return
        }
    }

    @Test(.enabled(if: RealRedis.shared != nil))
    func `a Redis that is paused ends whatever waits once it has not answered for a while`()
        throws
    {
        var settings = BackplaneSettings.unique()
        settings.publishTimeout = .milliseconds(500)
        let server = try RedisServer()
        let (asker, owner) = try BarePod.pair(RealRedis(port: server.port), settings)
        let (question, poll) = (asker.ask(), asker.forward(.poll))
        _ = (try owner.asked(), try owner.forwarded())
        server.freeze()
        try expectUnavailable(question)
        #expect(try poll.value() == unavailable)
        server.thaw()
    }

    @Test(.enabled(if: RealRedis.shared != nil))
    func `an answer that Redis does not take is sent again when it does`() throws {
        let redis = try #require(RealRedis.shared)
        let settings = BackplaneSettings.unique()
        let name = settings.channelPrefix + "owner"
        let asker = try BarePod(redis, settings: settings)
        let owner = try BarePod(redis, settings: settings) { $0.clientName = name }
        owner.hold("c")
        let (question, poll) = (asker.ask(), asker.forward(.poll))
        let (asked, forwarded) = (try owner.asked()[0], try owner.forwarded()[0])

        try redis.cut("normal", named: name)
        asked.answer(.result(json("5")))
        forwarded.answer(unavailable)
        #expect(try question.value() == .result(json("5")))
        #expect(try poll.value() == unavailable)
    }

    @Test(arguments: RedisKind.available)
    func `an asker that has missed a moment does not wait for what it may have missed`(
        kind: RedisKind
    ) throws {
        let redis = try kind.make()
        let settings = BackplaneSettings.unique()
        let (asker, owner) = try BarePod.pair(redis, settings)
        let question = asker.ask()
        _ = try owner.asked()
        try redis.cutSubscribers(named: settings.channelPrefix)
        try expectUnavailable(question)
    }

    // MARK: Rights

    @Test func `R33: without PUBSUB answers come, and what has none ends with its time-out`()
        throws
    {
        var settings = BackplaneSettings.unique()
        settings.watchInterval = .milliseconds(20)
        settings.ackTimeout = .milliseconds(300)
        let redis = try FakeRedis()
        let (asker, owner) = try BarePod.pair(redis, settings)
        redis.obey(.refuseCounting)
        #expect(try asker.change("nobody").value() == .unanswered)
        #expect(redis.commands("PUBSUB").count == 1)

        let answered = asker.ask()
        try owner.asked()[0].answer(.result(json("5")))
        #expect(try answered.value() == .result(json("5")))
        #expect(try asker.change("c").value() == nil)

        let question = asker.ask()
        let (send, poll) = (asker.forward(.send([1])), asker.forward(.poll))
        _ = (try owner.asked(2), try owner.forwarded(2))
        owner.die()
        #expect(
            try question.value()
                == .unavailable(reason: "Connection 'c' has not answered in time."))
        #expect(try send.value() == unavailable)
        #expect(poll.isWaiting)
        #expect(redis.commands("PUBSUB").count == 1)
    }

    private func expectUnavailable(_ question: Told<ClientAnswer>) throws {
        let answer = try question.value()
        guard case .unavailable = answer else {
            Issue.record("\(answer)")
            return
        }
    }
}
