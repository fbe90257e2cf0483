import TestSupport
import Testing

@testable import Loop

/// Echoes whole lines, so that incomplete ones exercise the leftovers.
private final class LineEcho: ConnectionHandler {
    override func received(
        _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
    ) -> Int {
        var consumed = 0
        while let end = bytes[consumed...].firstIndex(of: UInt8(ascii: "\n")) {
            connection.send(UnsafeRawBufferPointer(rebasing: bytes[consumed...end]))
            consumed = end + 1
        }
        return consumed
    }
}

@Suite(.timeLimit(.minutes(1))) struct ReactorTests {
    @Test func `bytes split at every place are delivered once, in order`() throws {
        let harness = try LoopHarness { _ in LineEcho() }
        let text = Array("one\ntwo two\nthree\n".utf8)
        for split in 0...text.count {
            let client = try harness.connect()
            try client.send(Array(text[..<split]))
            // The answer to the complete lines proves that the first part was read on its own.
            let complete = text[..<split].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let first = try client.receive(exactly: complete)
            try client.send(Array(text[split...]))
            let second = try client.receive(exactly: text.count - complete)
            #expect(first + second == text)
        }
    }

    @Test func `what was received before the peer closed is answered before we close`() throws {
        let harness = try LoopHarness { _ in LineEcho() }
        let client = try harness.connect()

        try client.send("last words\n")
        client.closeWriting()

        #expect(try client.receiveToEnd() == Array("last words\n".utf8))
    }

    @Test func `copies and shared payloads leave in the order they were sent`() throws {
        final class Mixed: ConnectionHandler {
            override func received(
                _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
            ) -> Int {
                let shared = SharedBytes(copying: Array("-shared-".utf8))
                connection.send("a")
                connection.send(shared)
                connection.send("b")
                connection.send(shared)
                shared.release()
                connection.send([UInt8](repeating: UInt8(ascii: "c"), count: Cork.byteCountMax + 1))
                connection.send("d")
                connection.closeAfterFlush()
                connection.send("never")
                return bytes.count
            }
        }
        let harness = try LoopHarness { _ in Mixed() }
        let client = try harness.connect()

        try client.send("go")

        let long = String(repeating: "c", count: Cork.byteCountMax + 1)
        #expect(try client.receiveToEnd() == Array("a-shared-b-shared-\(long)d".utf8))
    }

    @Test func `a message larger than every buffer arrives whole`() throws {
        final class Flood: ConnectionHandler {
            override func opened(_ connection: Connection) {
                var bytes = [UInt8](repeating: 0, count: 3_000_000)
                for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index / 7) }
                connection.send(bytes)
                connection.closeAfterFlush()
            }
        }
        let harness = try LoopHarness { _ in Flood() }

        let bytes = try harness.connect().receiveToEnd()

        #expect(bytes.count == 3_000_000)
        #expect(bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0 / 7) })
    }

    @Test func `a reader that stops is cut at the limit and the others are served`() throws {
        final class Firehose: ConnectionHandler {
            let reasons: Monitor<[CloseReason]>
            init(reasons: Monitor<[CloseReason]>) { self.reasons = reasons }
            override func opened(_ connection: Connection) {
                connection.armTimer(after: .milliseconds(1))
            }
            override func timerFired(_ connection: Connection) {
                connection.send([UInt8](repeating: 1, count: 64 * 1024))
                connection.armTimer(after: .milliseconds(1))
            }
            override func closed(_ connection: Connection, reason: CloseReason) {
                reasons.update { $0.append(reason) }
            }
        }
        var limits = Limits()
        limits.outboundByteCountMax = 256 * 1024
        let reasons = Monitor<[CloseReason]>([])
        let harness = try LoopHarness(limits: limits) { _ in Firehose(reasons: reasons) }

        let stuck = try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)
        let reason = reasons.wait(atMost: .seconds(20)) { $0.first }

        #expect(reason == .slowConsumer)
        _ = stuck
    }

    /// What is in the kernel is in no queue of ours, so no deadline of ours sees that it does not move.
    @Test func `a reader that stops before our queue grows is ended by the kernel`() throws {
        final class Greeter: ConnectionHandler {
            typealias End = (reason: CloseReason, silentPeerCount: UInt64)
            let ends: Monitor<[End]>
            init(ends: Monitor<[End]>) { self.ends = ends }
            override func opened(_ connection: Connection) {
                connection.send([UInt8](repeating: 1, count: 48 * 1024))
            }
            override func closed(_ connection: Connection, reason: CloseReason) {
                let count = connection.reactor.metrics.silentPeerCount
                ends.update { $0.append((reason, count)) }
            }
        }
        var limits = Limits()
        limits.acceptedSilenceTimeout = .seconds(4)
        let ends = Monitor<[Greeter.End]>([])
        let harness = try LoopHarness(limits: limits) { _ in Greeter(ends: ends) }

        let stuck = try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)
        let end = try #require(ends.wait(atMost: .seconds(60)) { $0.first })

        #expect(end.reason == .peerGone)
        #expect(end.silentPeerCount == 1)
        _ = stuck
    }

    @Test func `reading pauses without losing bytes and resumes with what was left`() throws {
        final class Pauser: ConnectionHandler {
            private var isPaused = false
            override func received(
                _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
            ) -> Int {
                if isPaused {
                    isPaused = false
                    connection.send(UnsafeRawBufferPointer(bytes))
                    return bytes.count
                }
                isPaused = true
                connection.pauseReading()
                connection.armTimer(after: .milliseconds(30))
                return 1
            }
            override func timerFired(_ connection: Connection) { connection.resumeReading() }
        }
        let harness = try LoopHarness { _ in Pauser() }
        let client = try harness.connect()

        try client.send("xrest")

        #expect(try client.receive(exactly: 4) == Array("rest".utf8))
    }

    @Test func `an upgrade hands the unconsumed bytes to the new handler`() throws {
        final class Upgrading: ConnectionHandler {
            override func received(
                _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
            ) -> Int {
                connection.replaceHandler(with: LineEcho())
                return 3
            }
        }
        let harness = try LoopHarness { _ in Upgrading() }
        let client = try harness.connect()

        try client.send("UP!hello\n")

        #expect(try client.receive(exactly: 6) == Array("hello\n".utf8))
    }

    @Test func `a mailbox message from another thread reaches its connection, or nobody`() throws {
        final class Greeter: ConnectionHandler {
            let token: Monitor<EventToken?>
            init(token: Monitor<EventToken?>) { self.token = token }
            override func opened(_ connection: Connection) {
                token.update { $0 = connection.token }
            }
        }
        let opened = Monitor<EventToken?>(nil)
        let mailbox = Monitor<Mailbox<EventToken>?>(nil)
        let harness = try LoopHarness { reactor in
            let box = reactor.makeMailbox(of: EventToken.self) { [unowned reactor] token in
                reactor.connection(token)?.send("hi")
            }
            mailbox.update { $0 = box }
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in Greeter(token: opened) }
        }
        let client = try harness.connect()
        let token = try #require(opened.wait(atMost: .seconds(30)) { $0 })
        let box = try #require(mailbox.update { $0 })

        box.post(EventToken(index: token.index, generation: token.generation &+ 1))
        box.post(EventToken(index: 9999, generation: 1))
        box.post(token)

        #expect(try client.receive(exactly: 2) == Array("hi".utf8))
    }

    @Test func `draining closes idle connections and reports that all are gone`() throws {
        let harness = try LoopHarness { _ in LineEcho() }
        let client = try harness.connect()
        try client.send("a\n")
        _ = try client.receive(exactly: 2)

        #expect(harness.drain())
        #expect(try client.receiveToEnd().isEmpty)
        #expect(throws: ClientError.self) { _ = try harness.connect() }
    }

    @Test func `a drain says what is left, and waits for what a handler has not finished`() throws {
        let backlog = Monitor(2)
        let group = LoopGroup()
        defer { group.stop() }
        try group.start(count: 2, limits: Limits()) { reactor, number in
            guard number == 0 else { return }
            reactor.onDrain {
                backlog.update { $0 -= 1 }
            } backlog: {
                backlog.withLock { $0 }
            }
        }

        #expect(group.beginDrain() == 1)
        #expect(group.waitUntilDrained(atMost: .milliseconds(50)) == 1)
        backlog.update { $0 = 0 }
        #expect(group.waitUntilDrained(atMost: .seconds(30)) == 0)
    }

    @Test func `more connections than allowed are closed at once and a freed place is used again`()
        throws
    {
        var limits = Limits()
        limits.connectionCountMax = 1
        let harness = try LoopHarness(limits: limits) { _ in LineEcho() }
        for _ in 0..<3 {
            let first = try harness.connect()
            try first.send("in\n")
            _ = try first.receive(exactly: 3)

            let refused = try harness.connect()
            #expect(try refused.receiveToEnd().isEmpty)

            first.closeWriting()
            _ = try first.receiveToEnd()
        }
    }

    @Test func `lingering lets the peer read the last answer while it is still sending`() throws {
        final class Refuser: ConnectionHandler {
            override func received(
                _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
            ) -> Int {
                connection.send("no\n")
                connection.closeAfterFlush(lingering: true)
                return bytes.count
            }
        }
        let harness = try LoopHarness { _ in Refuser() }
        let client = try harness.connect()

        for _ in 0..<64 { try client.send([UInt8](repeating: 0, count: 4096)) }

        #expect(try client.receiveToEnd() == Array("no\n".utf8))
    }
}
