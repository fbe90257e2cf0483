import CRabbitMQ
import Loop
import TestSupport
import Testing

@testable import Services

@Suite("AMQPSession: handshake and heartbeats") struct AMQPHandshakeTests {
    let talk = SessionConversation()
    var broker: ScriptedBroker { talk.broker }
    var clock: FakeClock { talk.clock }

    // MARK: Handshake

    @Test func `the handshake is header, StartOk, TuneOk and Open, and channels follow`() throws {
        let session = AMQPSession(settings: AMQPSession.Settings())
        session.start(at: clock.monotonicNow)
        #expect(talk.read(session) == ["protocol header"])

        broker.start()
        try talk.feed(session)
        #expect(talk.read(session) == ["connection.start-ok 0"])
        broker.tune()
        try talk.feed(session)
        #expect(talk.read(session) == ["connection.tune-ok 0", "connection.open 0"])
        broker.openOk()
        try talk.feed(session)
        #expect(session.takeEvents() == [.opened])
        #expect(session.isOpen)

        session.openChannel(1)
        session.selectConfirms(on: 1)
        session.consume("q", window: 9, on: 1)
        #expect(
            talk.read(session) == [
                "channel.open 1", "confirm.select 1", "basic.qos 1", "basic.consume 1",
            ])
    }

    @Test func `StartOk carries the credentials and what we can do`() throws {
        var settings = AMQPSession.Settings()
        settings.user = "u"
        settings.password = "p:w"
        let session = AMQPSession(settings: settings)
        session.start(at: clock.monotonicNow)
        broker.start()
        try talk.feed(session)

        var bytes: [UInt8] = []
        session.takeOutput(atMost: .max, at: clock.monotonicNow) { bytes += $0 }

        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("PLAIN\0\0\0\u{6}\0u\0p:w"))
        for capability in [
            "publisher_confirms", "consumer_cancel_notify", "connection.blocked",
            "authentication_failure_close",
        ] { #expect(text.contains(capability)) }
    }

    @Test func `a wrong password is told apart from other closes`() throws {
        let session = try talk.started()
        broker.start()
        broker.close(403, "ACCESS_REFUSED - Login was refused")
        #expect(throws: AMQPError.refused("ACCESS_REFUSED - Login was refused")) {
            try talk.feed(session)
        }
        #expect(
            talk.read(session) == [
                "protocol header", "connection.start-ok 0", "connection.close-ok 0",
            ])
    }

    @Test func `an unknown virtual host closes with the broker's words`() throws {
        let session = try talk.started()
        broker.start()
        broker.tune()
        broker.close(530, "NOT_ALLOWED - vhost x not found")
        #expect(
            throws: AMQPError.closed(AMQPClose(code: 530, text: "NOT_ALLOWED - vhost x not found"))
        ) { try talk.feed(session) }
    }

    @Test func `a broker without PLAIN is refused`() throws {
        let session = try talk.started()
        broker.start(mechanisms: "EXTERNAL")
        #expect(throws: AMQPError.self) { try talk.feed(session) }
    }

    @Test func `other versions of AMQP, and other protocols, are malformed`() throws {
        let ten = try talk.started()
        #expect(throws: AMQPError.malformed("the broker does not speak AMQP 0-9-1")) {
            try talk.feed(ten, Array("AMQP".utf8) + [0, 1, 0, 0])
        }
        let eight = try talk.started()
        broker.start(minor: 8)
        #expect(throws: AMQPError.malformed("the broker speaks AMQP 0-8")) { try talk.feed(eight) }
        let web = try talk.started()
        #expect(throws: AMQPError.self) {
            try talk.feed(web, Array("HTTP/1.1 400 Bad Request".utf8))
        }
    }

    @Test func `the smaller heartbeat and the smaller frame count`() throws {
        let short = try talk.opened(heartbeat: 2)
        #expect(short.heartbeat == .seconds(2))
        let long = try talk.opened(heartbeat: 60)
        #expect(long.heartbeat == .seconds(5))
        let silent = try talk.opened(heartbeat: 0)
        #expect(silent.heartbeat == .seconds(5))
        #expect(try talk.opened(frameMax: 4096).output.frameByteCountMax == 4096)
        #expect(try talk.opened(frameMax: 0).output.frameByteCountMax == 131_072)
        let session = try talk.started()
        broker.start()
        broker.tune(frameMax: 4095)
        #expect(throws: AMQPError.self) { try talk.feed(session) }
    }

    @Test func `a handshake that takes too long ends`() throws {
        let session = try talk.started()
        clock.advance(by: .seconds(5) - .nanoseconds(1))
        try session.timerFired(at: clock.monotonicNow)
        #expect(session.deadline == clock.monotonicNow.advanced(by: .nanoseconds(1)))
        clock.advance(by: .nanoseconds(1))
        #expect(throws: AMQPError.silent(.seconds(5))) {
            try session.timerFired(at: clock.monotonicNow)
        }
    }

    // MARK: Heartbeats

    @Test func `a heartbeat goes out after half of its time without output`() throws {
        let session = try talk.opened()
        clock.advance(by: .milliseconds(2499))
        try session.timerFired(at: clock.monotonicNow)
        #expect(talk.read(session).isEmpty)
        // Reading takes nothing, and counts as no output.
        #expect(session.deadline == clock.monotonicNow.advanced(by: .milliseconds(1)))
        clock.advance(by: .milliseconds(1))
        try session.timerFired(at: clock.monotonicNow)
        #expect(talk.read(session) == ["heartbeat"])
        #expect(session.deadline == clock.monotonicNow.advanced(by: .milliseconds(2500)))
    }

    @Test func `silence of two heartbeats ends the session, a heartbeat of the broker does not`()
        throws
    {
        let session = try talk.opened()
        for _ in 0..<3 {
            clock.advance(by: .seconds(9))
            broker.frames.heartbeat()
            try talk.feed(session)
            try session.timerFired(at: clock.monotonicNow)
        }
        clock.advance(by: .seconds(10) - .nanoseconds(1))
        try session.timerFired(at: clock.monotonicNow)
        clock.advance(by: .nanoseconds(1))
        #expect(throws: AMQPError.silent(.seconds(10))) {
            try session.timerFired(at: clock.monotonicNow)
        }
    }

    @Test func `the handshake may be split anywhere`() throws {
        broker.start()
        broker.tune()
        broker.openOk()
        let whole = broker.take()
        for portions in talk.splits(of: whole) {
            let session = try talk.started()
            for portion in portions { try talk.feed(session, portion) }
            try #require(session.takeEvents() == [.opened])
        }
    }
}
