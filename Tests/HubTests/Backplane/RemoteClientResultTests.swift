import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

/// Questions to clients of other pods (client results), on the fake Redis and on a real one.
@Suite("Client results across pods", .timeLimit(.minutes(2))) struct RemoteClientResultTests {
    private let clock = ContinuousClock()

    @Test(arguments: RedisKind.available)
    func `C16: a client of another pod is asked and answers, with a result or an error`(
        kind: RedisKind
    ) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let answers: [ClientAnswer] = [.result(json("{\"a\":[5]}")), .error("no"), .result(.null)]
        for (number, answer) in answers.enumerated() {
            let id = String.uniqueID()
            let told = asker.ask(id: id)
            let asked = try owner.asked(number + 1)[number]
            #expect(asked.question.connectionID == "c" && asked.question.invocationID == id)
            let record = try #require(asked.question.invocation.record(for: .json))
            #expect(
                String(decoding: record, as: UTF8.self)
                    == "{\"type\":1,\"invocationId\":\"\(id)\",\"target\":\"GetValue\","
                    + "\"arguments\":[1]}\u{1E}")
            asked.answer(answer)
            #expect(try told.value() == answer)
        }
        let counters = asker.counters
        #expect(counters.questionsAsked.load(ordering: .relaxed) == 3)
        #expect(counters.questionsAnswered.load(ordering: .relaxed) == 3)
        #expect(counters.questionsFailed.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: RedisKind.available)
    func `C12: two questions to one client are answered in any order`(kind: RedisKind) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = [asker.ask(), asker.ask()]
        let asked = try owner.asked(2)
        asked[1].answer(.result(json("2")))
        #expect(try told[1].value() == .result(json("2")))
        #expect(told[0].isWaiting)
        asked[0].answer(.result(json("1")))
        #expect(try told[0].value() == .result(json("1")))
    }

    @Test(arguments: RedisKind.available)
    func `C17: a connection of nobody is told by PUBLISH, without a round`(
        kind: RedisKind
    ) throws {
        var settings = BackplaneSettings.unique()
        settings.watchInterval = .seconds(3600)
        let (asker, owner) = try BarePod.pair(try kind.make(), settings)
        #expect(try asker.ask("nobody").value() == .unknown(connectionID: "nobody"))
        #expect(asker.counters.questionsFailed.load(ordering: .relaxed) == 1)
        withExtendedLifetime(owner) {}
    }

    @Test(arguments: RedisKind.available)
    func `C18: a client that goes before it answers is told as gone`(kind: RedisKind) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = asker.ask()
        try owner.asked()[0].answer(.disconnected(connectionID: "c"))
        #expect(try told.value() == .disconnected(connectionID: "c"))
    }

    @Test(arguments: RedisKind.available)
    func `a client that had just gone when the question came is told as gone`(
        kind: RedisKind
    ) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = asker.ask()
        try owner.asked()[0].answer(nil)
        owner.letGo("c")
        #expect(try told.value() == .disconnected(connectionID: "c"))
    }

    @Test(arguments: RedisKind.available)
    func `a pod that dies while its client is asked is told as gone within a second`(
        kind: RedisKind
    ) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = asker.ask()
        _ = try owner.asked()

        owner.die()
        let start = clock.now
        #expect(try told.value() == .disconnected(connectionID: "c"))
        #expect(clock.now - start < .seconds(1))
        #expect(asker.counters.questionsFailed.load(ordering: .relaxed) == 1)
    }

    @Test func `a slow client of a pod that lives is waited for, however many rounds it takes`()
        throws
    {
        var settings = BackplaneSettings.unique()
        settings.watchInterval = .milliseconds(20)
        settings.ackTimeout = .milliseconds(50)
        let redis = try FakeRedis()
        let (asker, owner) = try BarePod.pair(redis, settings)
        let told = asker.ask()
        #expect(redis.commands("PUBSUB", atLeast: 8).count >= 8)
        #expect(told.isWaiting)
        try owner.asked()[0].answer(.result(json("5")))
        #expect(try told.value() == .result(json("5")))
    }

    @Test func `an own connection can be asked through Redis as well`() throws {
        let (_, owner) = try BarePod.pair(try FakeRedis())
        let told = owner.ask()
        try owner.asked()[0].answer(.result(json("5")))
        #expect(try told.value() == .result(json("5")))
    }

    // MARK: .NET's pods

    @Test func `RV16, RV17: a question of a .NET pod reaches the client byte for byte`() throws {
        let redis = try FakeRedis()
        let (_, owner) = try BarePod.pair(redis)
        redis.publish(
            BackplaneEnvelopeTests.rv16, to: owner.channels.name(of: .connection("c")))
        let asked = try owner.asked()[0]
        let id = String(repeating: "A", count: 22)
        #expect(asked.question.invocationID == id)
        let record = try #require(asked.question.invocation.record(for: .json))
        #expect(
            String(decoding: record, as: UTF8.self)
                == "{\"type\":1,\"invocationId\":\"\(id)\",\"target\":\"GetValue\","
                + "\"arguments\":[1]}\u{1E}")

        asked.answer(.result(json("5")))
        let answer = try #require(redis.commands("PUBLISH").first)
        #expect(answer[1] == "App.ChatHub:internal:return:srv_0")
        #expect(answer[2].hasSuffix(#"{"type":3,"invocationId":"\#(id)","result":5}"# + "\u{1E}"))
    }

    @Test(arguments: RedisKind.available)
    func `RV17: an answer as .NET writes it ends the question`(kind: RedisKind) throws {
        let redis = try kind.make()
        let (asker, owner) = try BarePod.pair(redis)
        let id = String(repeating: "A", count: 22)
        let told = asker.ask(id: id)
        _ = try owner.asked()
        let rv17 = BackplaneEnvelopeTests.completions[2].2
        try redis.publish(rv17, to: asker.channels.name(of: .returns))
        #expect(try told.value() == .result(json("5")))
    }

    @Test(arguments: RedisKind.available)
    func `R30: an answer that cannot be read fails its question and no other`(
        kind: RedisKind
    ) throws {
        let redis = try kind.make()
        let (asker, owner) = try BarePod.pair(redis)
        let ids = (0..<3).map { _ in String.uniqueID() }
        let told = ids.map { asker.ask(id: $0) }
        let asked = try owner.asked(3)
        let records = [
            ("p1", "{\"invocationId\":\"nobody's\"}"), ("p1", "{\"invocationId\":\"\(ids[0])\"}"),
            ("json", "{\"type\":3,\"invocationId\":\"\(ids[1])\",\"result\":\u{1E}"),
            ("json", "{\"type\":3,\"invocationId\":\"\(String.uniqueID())\",\"result\":1}\u{1E}"),
        ]
        for (name, record) in records {
            let envelope = CompletionEnvelope(protocolName: name, record: Array(record.utf8))
            try redis.publish(envelope.encode(), to: asker.channels.name(of: .returns))
        }
        #expect(
            try told[0].value()
                == .unavailable(
                    reason: "Connection 'c' answered in a protocol not known here: 'p1'."))
        let text = try #require(try told[1].value().errorText)
        #expect(text.hasPrefix("Client result of connection 'c' wasn't deserializable: "))
        #expect(told[2].isWaiting)
        asked[2].answer(.result(json("3")))
        #expect(try told[2].value() == .result(json("3")))
        #expect(asker.counters.malformedDropped.load(ordering: .relaxed) == 3)
    }

    // MARK: Several hubs

    @Test func `R28: hubs with other names do not hear each other's questions`() throws {
        let redis = try FakeRedis()
        let base = BackplaneSettings.unique()
        var other = base
        other.hubTypeName = "App.ChatHub"
        let (asker, owner) = try BarePod.pair(redis, base)
        let (otherAsker, otherOwner) = try BarePod.pair(redis, other)
        let told = [asker.ask(), otherAsker.ask()]
        try otherOwner.asked()[0].answer(.result(json("2")))
        try owner.asked()[0].answer(.result(json("1")))
        #expect(try told.map { try $0.value() } == [.result(json("1")), .result(json("2"))])
        #expect(try owner.asked().count == 1 && otherOwner.asked().count == 1)
    }

    @Test func `R29: ids of questions differ, whichever pod asks`() throws {
        let redis = try FakeRedis()
        let settings = BackplaneSettings.unique()
        let (here, there) = try Pod.pair(redis, settings)
        let owner = try BarePod(redis, settings: settings)
        owner.hold("c")
        for pod in [here, there] {
            for _ in 0..<50 {
                pod.server.ask(connectionID: "c", target: "GetValue", arguments: []) { _ in }
            }
        }
        let ids = try owner.asked(100).map(\.question.invocationID)
        #expect(Set(ids).count == 100)
        #expect(ids.allSatisfy { $0.utf8.count == 22 })
    }
}
