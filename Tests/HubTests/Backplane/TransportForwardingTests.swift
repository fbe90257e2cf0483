import Loop
import Synchronization
import Testing
import TestSupport

@testable import Hub

/// Requests of polling and event-stream clients that came to another pod than their connection's.
@Suite("Transport forwarding", .timeLimit(.minutes(2))) struct TransportForwardingTests {
    private let clock = ContinuousClock()
    private let done = TransportAnswer(
        status: 200, contentType: "text/plain", body: Array("{}\u{1E}".utf8))

    @Test(arguments: RedisKind.available)
    func `a request arrives as it was, and its answer comes back as it was`(
        kind: RedisKind
    ) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let kinds: [TransportRequest.Kind] = [.poll, .send([1, 0x1E, 0xFF]), .send([]), .delete]
        let expiry = WallTime(microseconds: 1_767_225_600_000_001)
        for (number, kind) in kinds.enumerated() {
            let id = String.uniqueID()
            let told = asker.forward(kind, id: id, expiresAt: expiry)
            let forwarded = try owner.forwarded(number + 1)[number]
            #expect(
                forwarded.request
                    == TransportRequest(
                        kind: kind, connectionID: "c", requestID: id, expiresAt: expiry))
            forwarded.answer(done)
            #expect(try told.value() == done)
        }
        #expect(asker.counters.requestsForwarded.load(ordering: .relaxed) == 4)
    }

    @Test(arguments: RedisKind.available)
    func `a connection of nobody is told by PUBLISH, without a round`(kind: RedisKind) throws {
        var settings = BackplaneSettings.unique()
        settings.watchInterval = .seconds(3600)
        let (asker, owner) = try BarePod.pair(try kind.make(), settings)
        for kind in [TransportRequest.Kind.poll, .send([1]), .delete] {
            #expect(try asker.forward(kind, to: "nobody").value() == nil)
        }
        withExtendedLifetime(owner) {}
    }

    @Test(arguments: RedisKind.available)
    func `a connection that has just gone is told by its pod`(kind: RedisKind) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = asker.forward(.poll)
        try owner.forwarded()[0].answer(nil)
        #expect(try told.value() == nil)
    }

    @Test(arguments: RedisKind.available)
    func `what one pod forwards arrives in order`(kind: RedisKind) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = (0..<200).map { number in
            asker.forward(.send(Array(repeating: UInt8(number), count: 1 + number)))
        }
        let forwarded = try owner.forwarded(200)
        let first = forwarded.map { request in
            if case .send(let body) = request.request.kind { body[0] } else { UInt8.max }
        }
        #expect(first == (0..<200).map { UInt8($0) })
        for request in forwarded.reversed() { request.answer(done) }
        for answer in told { #expect(try answer.value() == done) }
    }

    @Test(.enabled(if: RealRedis.shared != nil))
    func `bodies of some MiB go there and back`() throws {
        let (asker, owner) = try BarePod.pair(try RedisKind.real.make())
        for byteCount in [1 << 20, 3 << 20] {
            let body = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let told = asker.forward(.send(body))
            let forwarded = try #require(try owner.forwarded(byteCount >> 20 == 1 ? 1 : 2).last)
            #expect(forwarded.request.kind == .send(body))
            let answer = TransportAnswer(status: 200, contentType: "x", body: body.reversed())
            forwarded.answer(answer)
            #expect(try told.value() == answer)
        }
    }

    @Test func `a body above the limit is refused, an answer above it is an error`() throws {
        var settings = BackplaneSettings.unique()
        settings.forwardedByteCountMax = 1000
        let (asker, owner) = try BarePod.pair(try FakeRedis(), settings)
        func body(_ byteCount: Int) -> [UInt8] { Array(repeating: 1, count: byteCount) }
        #expect(try asker.forward(.send(body(1001))).value()?.status == 413)
        for (number, byteCount) in [999, 1000, 1001].enumerated() {
            let told = asker.forward(.send(body(min(byteCount, 1000))))
            try owner.forwarded(number + 1)[number].answer(
                TransportAnswer(status: 200, contentType: "", body: body(byteCount)))
            #expect(try told.value()?.status == (byteCount > 1000 ? 500 : 200))
        }
    }

    @Test(arguments: RedisKind.available)
    func `an abandoned poll waits for nothing, and its pod is told`(kind: RedisKind) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let id = String.uniqueID()
        let poll = asker.forward(.poll, id: id)
        let abandon = asker.forward(.abandon, id: id)
        #expect(try poll.value() == nil)
        let forwarded = try owner.forwarded(2).map(\.request)
        #expect(forwarded.map(\.kind) == [.poll, .abandon])
        #expect(forwarded.map(\.requestID) == [id, id])
        // Late answers, and one that nobody wants, reach nobody.
        for request in try owner.forwarded(2) { request.answer(done) }
        let next = asker.forward(.delete)
        try owner.forwarded(3)[2].answer(done)
        #expect(try next.value() == done)
        #expect(try poll.value() == nil)
        #expect(abandon.isWaiting)
    }

    @Test(arguments: RedisKind.available)
    func `a pod that dies with a poll is told as gone within a second`(kind: RedisKind) throws {
        let (asker, owner) = try BarePod.pair(try kind.make())
        let told = asker.forward(.poll)
        _ = try owner.forwarded()

        owner.die()
        let start = clock.now
        #expect(try told.value() == nil)
        #expect(clock.now - start < .seconds(1))
    }

    @Test func `a poll that takes long is waited for`() throws {
        var settings = BackplaneSettings.unique()
        settings.watchInterval = .milliseconds(20)
        settings.ackTimeout = .milliseconds(50)
        settings.unwatchedPollTimeout = .milliseconds(50)
        let redis = try FakeRedis()
        let (asker, owner) = try BarePod.pair(redis, settings)
        let told = asker.forward(.poll)
        #expect(redis.commands("PUBSUB", atLeast: 8).count >= 8)
        #expect(told.isWaiting)
        try owner.forwarded()[0].answer(done)
        #expect(try told.value() == done)
    }

    @Test func `an own connection can be reached through Redis as well`() throws {
        let (_, owner) = try BarePod.pair(try FakeRedis())
        let told = owner.forward(.send([1]))
        try owner.forwarded()[0].answer(done)
        #expect(try told.value() == done)
    }
}
