// SessionConversation: an AMQPSession with its scripted broker, for the suites about sessions.

import CRabbitMQ
import Loop
import TestSupport

@testable import Services

struct SessionConversation {
    let broker = ScriptedBroker()
    let clock = FakeClock()

    /// Every cut into two, and one byte after the other.
    func splits(of whole: [UInt8]) -> [[[UInt8]]] {
        (0...whole.count).map { [Array(whole[..<$0]), Array(whole[$0...])] }
            + [whole.map { [$0] }]
    }

    func started(_ settings: AMQPSession.Settings = .init()) throws -> AMQPSession {
        broker.expectNewClient()
        let session = AMQPSession(settings: settings)
        session.start(at: clock.monotonicNow)
        return session
    }

    func opened(
        settings: AMQPSession.Settings = .init(), frameMax: UInt32 = 131_072, heartbeat: UInt16 = 60
    ) throws -> AMQPSession {
        let session = try started(settings)
        broker.start()
        broker.tune(frameMax: frameMax, heartbeat: heartbeat)
        broker.openOk()
        try feed(session)
        _ = read(session)
        broker.allowFrames(of: 131_072)
        _ = session.takeEvents()
        return session
    }

    func openedWithChannel(
        settings: AMQPSession.Settings = .init(), frameMax: UInt32 = 131_072
    ) throws -> AMQPSession {
        let session = try opened(settings: settings, frameMax: frameMax)
        session.openChannel(1)
        broker.channelOpenOk(1)
        try feed(session)
        _ = read(session)
        _ = session.takeEvents()
        return session
    }

    func properties(_ headers: [String: String] = [:]) -> [UInt8] {
        AMQPProperties.encode(headers, arena: AMQPArena())!
    }

    func feed(_ session: AMQPSession) throws(AMQPError) {
        try feed(session, broker.take())
    }

    func feed(_ session: AMQPSession, _ bytes: [UInt8]) throws(AMQPError) {
        // A pointer of its own: a closure would make the error an untyped one.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        try session.receive(UnsafeRawBufferPointer(buffer), at: clock.monotonicNow)
    }

    func read(_ session: AMQPSession) -> [String] {
        broker.read(session, at: clock.monotonicNow)
    }
}
