import Loop
import TestSupport
import Testing

@testable import WS

/// Echoes, and obeys a few words.
private class EchoSocket: WSConnection {
    let endings: Monitor<[WSEnding]>

    init(limits: WSLimits = WSLimits(), endings: Monitor<[WSEnding]> = Monitor([])) {
        self.endings = endings
        super.init(limits: limits)
    }

    override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
        // Only short texts are words: making a string of a megabyte takes seconds in a debug build.
        switch kind == .text ? String(decoding: message.prefix(8), as: UTF8.self) : "" {
        case "close": close(.goingAway, reason: "as you wish")
        case "abort": abort()
        case "twice":
            let frame = SharedBytes(copying: FrameWriter.makeFrame(Array("two".utf8), as: .text))
            send(frame: frame)
            send(frame: frame)
            frame.release()
        case "pause":
            pauseReading()
            armTimer(after: .milliseconds(20))
        default: send(UnsafeRawBufferPointer(message), as: kind)
        }
    }

    override func timerFired() {
        send(Array("awake".utf8), as: .text)
        resumeReading()
    }

    override func closed(_ ending: WSEnding) { endings.update { $0.append(ending) } }
}

@Suite(.timeLimit(.minutes(1))) struct WSConnectionTests {
    @Test func `text and binary come back as what they were`() throws {
        let harness = try LoopHarness { _ in EchoSocket() }
        let client = try harness.connect()

        try client.send(textFrame("hello") + clientFrame(0x2, [1, 2, 3]))

        let answer = try client.receive(exactly: 12)
        #expect(answer == [0x81, 5] + Array("hello".utf8) + [0x82, 3, 1, 2, 3])
    }

    @Test func `a message larger than the receive buffer is echoed whole`() throws {
        var limits = WSLimits()
        limits.messageByteCountMax = 1 << 20
        let harness = try LoopHarness { [limits] _ in EchoSocket(limits: limits) }
        let client = try harness.connect()
        let payload = [UInt8](repeating: 0x5A, count: 399_999) + [0xA5]

        try client.send(clientFrame(0x2, payload))

        let answer = try client.receive(exactly: 10 + payload.count)
        #expect(Array(answer[10...]) == payload)
    }

    @Test func `a ping between two fragments is answered before the message completes`() throws {
        let harness = try LoopHarness { _ in EchoSocket() }
        let client = try harness.connect()

        try client.send(textFrame("a", fin: false) + clientFrame(0x9, [7, 8]))
        #expect(try client.receive(exactly: 4) == [0x8A, 2, 7, 8])
        try client.send(clientFrame(0xA) + clientFrame(0x0, Array("b".utf8)))

        #expect(try client.receive(exactly: 4) == [0x81, 2] + Array("ab".utf8))
    }

    @Test func `the peer's Close is answered with its code, then TCP is closed`() throws {
        let endings = Monitor<[WSEnding]>([])
        let harness = try LoopHarness { _ in EchoSocket(endings: endings) }
        for (payload, code) in [([0x0B, 0xB8], 3000), ([], 1005)] as [([UInt8], UInt16)] {
            let client = try harness.connect()
            try client.send(clientFrame(0x8, payload) + textFrame("too late"))

            let answer = try client.receiveToEnd()

            #expect(answer == [0x88, UInt8(payload.count)] + payload)
            #expect(next(endings) == .closedByPeer(CloseCode(rawValue: code)))
        }
    }

    @Test func `our Close carries code and reason, and messages after it are dropped`() throws {
        let endings = Monitor<[WSEnding]>([])
        let harness = try LoopHarness { _ in EchoSocket(endings: endings) }
        let client = try harness.connect()

        try client.send(textFrame("close") + textFrame("dropped") + clientFrame(0x8, [0x03, 0xE9]))

        let answer = try client.receiveToEnd()
        #expect(answer == [0x88, 13, 0x03, 0xE9] + Array("as you wish".utf8))
        #expect(next(endings) == .closedByUs(.goingAway))
    }

    @Test func `a peer that does not answer our Close is cut after the time-out`() throws {
        var limits = WSLimits()
        limits.closeTimeout = .milliseconds(50)
        let endings = Monitor<[WSEnding]>([])
        let harness = try LoopHarness { [limits] _ in EchoSocket(limits: limits, endings: endings) }
        let client = try harness.connect()

        try client.send(textFrame("close"))

        #expect(next(endings) == .closedByUs(.goingAway))
        _ = try client.receive(exactly: 15)
        #expect(throws: ClientError.self) { try client.receive() }
    }

    @Test func `a violation closes with its code`() throws {
        let endings = Monitor<[WSEnding]>([])
        let harness = try LoopHarness { _ in EchoSocket(endings: endings) }
        let cases: [([UInt8], FrameViolation, [UInt8])] = [
            ([0x81, 0x01, 0x61], .unmaskedFrame, [0x03, 0xEA]),
            (clientFrame(0x1, [0xFF]), .invalidUTF8, [0x03, 0xEF]),
            ([0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0], .messageTooLarge, [0x03, 0xF1]),
        ]
        for (bytes, violation, code) in cases {
            let client = try harness.connect()
            try client.send(bytes)
            #expect(try client.receiveToEnd() == [0x88, 2] + code)
            #expect(next(endings) == .failed(violation))
        }
    }

    @Test func `a connection lost without a Close frame is reported as lost`() throws {
        let endings = Monitor<[WSEnding]>([])
        let harness = try LoopHarness { _ in EchoSocket(endings: endings) }
        var client: BlockingClient? = try harness.connect()
        client?.closeWriting()
        #expect(next(endings) == .lost(.peerGone))
        client = try harness.connect()
        try client?.send(textFrame("abort"))
        #expect(next(endings) == .lost(.aborted))
    }

    @Test func `a paused connection delivers nothing until it resumes, then everything`() throws {
        let harness = try LoopHarness { _ in EchoSocket() }
        let client = try harness.connect()

        try client.send(textFrame("pause") + textFrame("after") + clientFrame(0x9))

        let answer = try client.receive(exactly: 16)
        #expect(
            answer == [0x81, 5] + Array("awake".utf8) + [0x81, 5] + Array("after".utf8) + [0x8A, 0])
    }

    @Test func `one frame can be sent many times`() throws {
        let harness = try LoopHarness { _ in EchoSocket() }
        let client = try harness.connect()

        try client.send(textFrame("twice") + textFrame("!"))

        let two = [0x81, 3] + Array("two".utf8)
        #expect(try client.receive(exactly: 13) == two + two + [0x81, 1, 0x21])
    }

    @Test func `a long pipeline of tiny messages is echoed completely and in order`() throws {
        let harness = try LoopHarness { _ in EchoSocket() }
        // A socket may be written by one thread and read by another.
        nonisolated(unsafe) let client = try harness.connect()
        // 700 KB: more than the loop keeps for a connection, so it must hold the sender back.
        let roundCount = 400
        let round = (0..<250).flatMap { clientFrame(0x2, [UInt8($0)]) }
        let echo: [UInt8] = (0..<250).flatMap { [0x82, 1, UInt8($0)] as [UInt8] }

        let sender = NativeThread(name: "sender") {
            // A failure shows as missing answers.
            for _ in 0..<roundCount { try? client.send(round) }
        }
        defer { sender.join() }
        for _ in 0..<roundCount {
            let answer = try client.receive(exactly: echo.count)
            #expect(answer == echo)
        }
    }

    @Test func `a pong goes before what waits, and only the latest ping is answered`() throws {
        /// Sends 3 MB at once.
        final class Flooding: WSConnection {
            let isDone: Monitor<Bool>
            init(isDone: Monitor<Bool>) {
                self.isDone = isDone
                super.init()
            }
            override func received(_ message: UnsafeMutableRawBufferPointer, as kind: MessageKind) {
                if message.count == 4 { return isDone.update { $0 = true } }
                let frame = SharedBytes(
                    copying: FrameWriter.makeFrame([UInt8](repeating: 7, count: 1024), as: .binary))
                for _ in 0..<3000 { send(frame: frame) }
                frame.release()
            }
        }
        let isDone = Monitor(false)
        let harness = try LoopHarness { _ in Flooding(isDone: isDone) }
        let client = try harness.connect()

        try client.send(
            textFrame("flood") + clientFrame(0x9, [1]) + clientFrame(0x9, [2]) + textFrame("done"))
        #expect(isDone.wait(atMost: .seconds(30)) { $0 ? true : nil } == true)

        var framesBeforePong: [Int] = []
        for number in 0..<3001 {
            if try client.receive(exactly: 2)[0] == 0x8A {
                #expect(try client.receive(exactly: 1) == [2])
                framesBeforePong.append(number)
            } else {
                #expect(try client.receive(exactly: 2 + 1024).dropFirst(2).allSatisfy { $0 == 7 })
            }
        }
        #expect(framesBeforePong.count == 1)
        #expect(framesBeforePong[0] < 2000, "it did not wait for all of them")
    }

    @Test func `a server that shuts down says going away`() throws {
        let endings = Monitor<[WSEnding]>([])
        let harness = try LoopHarness { _ in EchoSocket(endings: endings) }
        // Used by the thread below only, once that runs.
        nonisolated(unsafe) let client = try harness.connect()
        try client.send(textFrame("x"))
        _ = try client.receive(exactly: 3)
        let answering = NativeThread(name: "client") {
            // A failure shows in the drain below.
            _ = try? client.receive(exactly: 4)
            try? client.send(clientFrame(0x8, [0x03, 0xE9]))
            _ = try? client.receiveToEnd()
            client.closeWriting()
        }

        #expect(harness.drain())
        answering.join()

        #expect(next(endings) == .closedByUs(.goingAway))
    }

    /// The next ending that is reported.
    private func next(_ endings: Monitor<[WSEnding]>) -> WSEnding? {
        endings.wait(atMost: .seconds(5)) { list -> WSEnding? in
            list.isEmpty ? nil : list.removeFirst()
        }
    }
}
