import CRabbitMQ
import Loop
import TestSupport
import Testing

@testable import Services

@Suite("AMQPSession: channels and messages") struct AMQPSessionTests {
    let talk = SessionConversation()
    var broker: ScriptedBroker { talk.broker }
    var clock: FakeClock { talk.clock }

    // MARK: Channels and queues

    @Test func `declarations, confirms and counts come back as events`() throws {
        let session = try talk.opened()
        session.openChannel(3)
        session.declare("q", arguments: [("x-message-ttl", .integer(5))], isPassive: false, on: 3)
        #expect(talk.read(session) == ["channel.open 3", "queue.declare 3"])
        broker.channelOpenOk(3)
        broker.declareOk(3, "q", messages: 7)
        broker.confirmSelectOk(3)
        broker.ack(3, 5, isMultiple: true)
        broker.nack(3, 6)
        broker.blocked("low on memory")
        broker.unblocked()
        try talk.feed(session)
        #expect(
            session.takeEvents() == [
                .channelOpened(3), .declared(3, queue: "q", messageCount: 7), .confirming(3),
                .confirmed(3, tag: 5, isMultiple: true, isAccepted: true),
                .confirmed(3, tag: 6, isMultiple: false, isAccepted: false),
                .blocked("low on memory"), .unblocked,
            ])
    }

    @Test func `a channel that the broker closes is answered and gone`() throws {
        let session = try talk.openedWithChannel()
        broker.channelClose(1, 406, "PRECONDITION_FAILED - inequivalent arg")
        try talk.feed(session)
        #expect(
            session.takeEvents() == [
                .channelClosed(
                    1, AMQPClose(code: 406, text: "PRECONDITION_FAILED - inequivalent arg"))
            ])
        #expect(talk.read(session) == ["channel.close-ok 1"])
        session.openChannel(1)
        #expect(talk.read(session) == ["channel.open 1"])
    }

    @Test func `what comes on a channel between our close and its answer is dropped`() throws {
        let session = try talk.openedWithChannel()
        session.closeChannel(1)
        broker.deliver(1, 1, properties: talk.properties(), body: [1, 2, 3])
        broker.cancel(1)
        broker.channelCloseOk(1)
        try talk.feed(session)
        #expect(session.takeEvents().isEmpty)
        #expect(talk.read(session) == ["channel.close 1"])
        session.openChannel(1)
    }

    @Test func `two closes of one channel that cross each other free it once`() throws {
        let session = try talk.openedWithChannel()
        session.closeChannel(1)
        broker.channelClose(1, 404, "gone")
        try talk.feed(session)
        #expect(session.takeEvents().isEmpty)
        #expect(session.channels[1] != nil)
        broker.channelCloseOk(1)
        try talk.feed(session)
        #expect(session.channels[1] == nil)
        #expect(talk.read(session) == ["channel.close 1", "channel.close-ok 1"])
    }

    @Test func `our goodbye is answered with closed, and what crosses it is dropped`() throws {
        let session = try talk.openedWithChannel()
        session.close()
        broker.deliver(1, 1, properties: talk.properties(), body: [1])
        broker.closeOk()
        try talk.feed(session)
        #expect(session.takeEvents() == [.closed])
        #expect(talk.read(session) == ["connection.close 0"])
    }

    @Test func `a close by the broker is answered and carries its reason`() throws {
        let session = try talk.openedWithChannel()
        broker.close(320, "CONNECTION_FORCED - shutdown")
        #expect(
            throws: AMQPError.closed(AMQPClose(code: 320, text: "CONNECTION_FORCED - shutdown"))
        ) { try talk.feed(session) }
        #expect(talk.read(session) == ["connection.close-ok 0"])
    }

    // MARK: Messages

    @Test(arguments: [0, 1, 4087, 4088, 4089, 3 * 4088])
    func `a body is split by the frame limit`(byteCount: Int) throws {
        let session = try talk.openedWithChannel(frameMax: 4096)
        let message = AMQPMessage(
            queue: "q", properties: talk.properties(), body: [UInt8](repeating: 7, count: byteCount)
        )
        session.publish(message, on: 1)

        let frames = talk.read(session)

        #expect(frames.prefix(2) == ["basic.publish 1", "header 1"])
        let sizes = frames.dropFirst(2).map { Int($0.dropFirst("body 1 ".count))! }
        #expect(sizes.reduce(0, +) == byteCount)
        #expect(sizes.count == (byteCount + 4087) / 4088)
        #expect(sizes.allSatisfy { $0 <= 4088 })
    }

    @Test func `headers that do not fit a frame are refused before they are sent`() throws {
        let session = try talk.openedWithChannel(frameMax: 4096)
        // 4096 less frame and content header.
        func message(_ count: Int) -> AMQPMessage {
            AMQPMessage(queue: "q", properties: [UInt8](repeating: 0, count: count), body: [])
        }
        #expect(session.canPublish(message(4076)))
        #expect(!session.canPublish(message(4077)))
    }

    @Test func `a message longer than we keep is cut and the session goes on`() throws {
        var settings = AMQPSession.Settings()
        settings.bodyByteCountMax = 10
        let session = try talk.openedWithChannel(settings: settings, frameMax: 4096)
        for count in [9, 10, 11, 9000] {
            broker.deliver(
                1, UInt64(count), properties: talk.properties(),
                body: [UInt8](repeating: 1, count: count))
        }
        try talk.feed(session)

        let deliveries = session.takeEvents().compactMap { event -> AMQPDelivery? in
            if case .delivered(_, let delivery) = event { return delivery }
            return nil
        }
        #expect(deliveries.map(\.body.count) == [9, 10, 10, 10])
        #expect(deliveries.map(\.isCut) == [false, false, true, true])
        #expect(deliveries.map(\.bodyByteCount) == [9, 10, 11, 9000])
    }

    @Test func `a returned message names its queue and is confirmed afterwards`() throws {
        let session = try talk.openedWithChannel(frameMax: 4096)
        for size in [0, 5000] {
            broker.returned(1, "nowhere", body: .init(repeating: 1, count: size))
        }
        broker.ack(1, 2, isMultiple: true)
        try talk.feed(session)
        let reason = AMQPClose(code: 312, text: "NO_ROUTE")
        #expect(
            session.takeEvents() == [
                .returned(1, queue: "nowhere", reason), .returned(1, queue: "nowhere", reason),
                .confirmed(1, tag: 2, isMultiple: true, isAccepted: true),
            ])
    }

    @Test func `a conversation may be split anywhere`() throws {
        script()
        let whole = broker.take()
        let expected = try events(of: [whole])
        #expect(expected.count == 8)
        for portions in talk.splits(of: whole) {
            try #require(try events(of: portions) == expected, "first \(portions[0].count)")
        }
    }

    @Test func `a frame that claims to be larger than agreed ends the session`() throws {
        let session = try talk.openedWithChannel(frameMax: 4096)
        // 4089 bytes of payload make a frame of 4097.
        #expect(throws: AMQPError.self) { try talk.feed(session, [3, 0, 1, 0, 0, 0x0F, 0xF9]) }
    }

    @Test func `frames out of turn end the session`() throws {
        func fails(_ script: (ScriptedBroker) -> Void) throws {
            let session = try talk.openedWithChannel()
            script(broker)
            #expect(throws: AMQPError.self) { try talk.feed(session) }
        }
        try fails { $0.deliver(2, 1, properties: [], body: []) }
        try fails { $0.openOk() }
        try fails { $0.start() }
        try fails { $0.frames.content(talk.properties(), [1], on: 1) }
        try fails {
            $0.deliver(1, 1, properties: talk.properties(), body: [1])
            $0.frames.content(talk.properties(), [], on: 1)
        }
        let session = try talk.openedWithChannel()
        #expect(throws: AMQPError.self) {
            try talk.feed(session, [1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4, 5])
        }
    }

    // MARK: Helping hands

    /// What a broker says on a channel, from its first word to its last.
    private func script() {
        broker.channelOpenOk(1)
        broker.consumeOk(1)
        broker.deliver(
            1, 1, properties: talk.properties(["x-correlation-id": "id"]), body: Array("{}".utf8))
        broker.frames.heartbeat()
        broker.deliver(1, 2, properties: talk.properties(), body: [])
        broker.returned(1, "nowhere", body: [1, 2, 3])
        broker.ack(1, 1, isMultiple: false)
        broker.cancel(1)
        broker.channelClose(1, 404, "gone")
    }

    private func events(of portions: [[UInt8]]) throws -> [AMQPEvent] {
        let session = try talk.opened()
        session.openChannel(1)
        for portion in portions { try talk.feed(session, portion) }
        return session.takeEvents()
    }
}
