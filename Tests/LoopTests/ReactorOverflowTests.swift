import TestSupport
import Testing

@testable import Loop

/// Pushes numbered payloads to whoever connects, all in one callback.
private final class Pusher: ConnectionHandler {
    private let rule: OutboundRule.Number
    private let push: @Sendable (Connection) -> Void
    private let reasons: Monitor<[CloseReason]>

    init(
        _ rule: OutboundRule.Number, _ reasons: Monitor<[CloseReason]>,
        _ push: @escaping @Sendable (Connection) -> Void
    ) {
        self.rule = rule
        self.reasons = reasons
        self.push = push
    }

    override func opened(_ connection: Connection) {
        connection.obey(rule)
        push(connection)
    }

    override func overflowed(_ connection: Connection) {
        connection.send("bye;")
        connection.closeAfterFlush()
    }

    override func closed(_ connection: Connection, reason: CloseReason) {
        reasons.update { $0.append(reason) }
    }
}

extension Connection {
    /// A message of 2,000 bytes that ends with a semicolon.
    fileprivate func push(_ number: Int, _ expendability: Expendability) {
        let text = "\(number),"
        let padding = String(repeating: "x", count: 1999 - text.utf8.count)
        let payload = SharedBytes(copying: Array((text + padding + ";").utf8), expendability)
        send(payload)
        payload.release()
    }
}

@Suite(.timeLimit(.minutes(2))) struct ReactorOverflowTests {
    private static let rule = OutboundRule(byteCountMax: 200_000, policy: .close)
    private let reasons = Monitor<[CloseReason]>([])
    private let metrics = Monitor(LoopMetrics())

    private func harness(
        _ policy: SlowConsumerPolicy, limits: Limits = Limits(),
        push: @escaping @Sendable (Connection) -> Void
    ) throws -> LoopHarness {
        let (reasons, metrics) = (reasons, metrics)
        return try LoopHarness(limits: limits) { reactor in
            var rule = Self.rule
            rule.policy = policy
            let number = reactor.add(rule)
            reactor.every(.milliseconds(16)) { [unowned reactor] in
                metrics.update { $0 = reactor.metrics }
            }
            return try reactor.listen(host: "127.0.0.1", port: 0, identity: nil) { _ in
                Pusher(number, reasons, push)
            }
        }
    }

    /// The numbers of whole messages; anything else is given as it is.
    private func messages(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: ";")).map { message in
            let text = String(decoding: message, as: UTF8.self)
            guard message.count == 1999, let comma = text.firstIndex(of: ",") else { return text }
            return String(text[..<comma])
        }
    }

    @Test func `the oldest pushes are dropped whole, and what must be kept is there`() throws {
        let harness = try harness(.dropOldest) { connection in
            connection.send("first;")
            for number in 0..<1000 {
                connection.push(number, .droppable)
                if number == 500 { connection.send("middle;") }
            }
            connection.send("last;")
            connection.closeAfterFlush()
        }

        let received = messages(try harness.connect().receiveToEnd())

        #expect(received.first == "first")
        #expect(received.last == "last")
        #expect(received.count { $0 == "middle" } == 1)
        let numbers = received.compactMap { Int($0) }
        #expect(numbers.count == received.count - 3)
        #expect(numbers == numbers.sorted())
        #expect(numbers.last == 999)
        #expect(numbers.count >= 98 && numbers.count <= 100, "200,000 bytes of them")
        let dropped = metrics.wait(atMost: .seconds(30)) { $0.droppedCount > 0 ? $0 : nil }
        #expect(dropped.map { Int($0.droppedCount) } == 1000 - numbers.count)
    }

    @Test func `of pushes about one subject the newest waits, once the peer does not keep up`()
        throws
    {
        let harness = try harness(.coalesce) { connection in
            for number in 0..<1000 { connection.push(number, .about("order \(number % 10)")) }
            connection.closeAfterFlush()
        }

        let numbers = messages(try harness.connect().receiveToEnd()).compactMap { Int($0) }

        #expect(numbers == numbers.sorted())
        // Nothing is superseded below the high-water mark; then each subject has one.
        #expect(numbers.suffix(10) == Array(990..<1000)[...])
        #expect(numbers.count < 60)
        let counted = metrics.wait(atMost: .seconds(30)) { $0.supersededCount > 0 ? $0 : nil }
        #expect(counted.map { Int($0.supersededCount) } == 1000 - numbers.count)
    }

    @Test(arguments: [SlowConsumerPolicy.close, .coalesce])
    func `one that cannot be helped hears last words instead of what waited`(
        policy: SlowConsumerPolicy
    ) throws {
        let harness = try harness(policy) { connection in
            for number in 0..<1000 { connection.push(number, .droppable) }
        }

        let received = messages(try harness.connect().receiveToEnd())

        #expect(received == ["bye"])
        #expect(reasons.wait(atMost: .seconds(30)) { $0.first } == .finished)
        let counted = metrics.wait(atMost: .seconds(30)) { $0.slowConsumerCount > 0 ? $0 : nil }
        #expect(counted?.slowConsumerCount == 1)
        #expect(counted?.droppedCount == 0)
    }

    @Test func `one that reads is offered a burst before it counts as slow`() throws {
        var limits = Limits()
        limits.socketSendByteCount = 1 << 20
        let harness = try harness(.close, limits: limits) { connection in
            // On the loop, and in no callback of a connection: as broadcasts are.
            connection.reactor.after(.milliseconds(1)) {
                for number in 0..<150 { connection.push(number, .droppable) }
                connection.closeAfterFlush()
            }
        }

        let received = messages(try harness.connect().receiveToEnd())

        #expect(received == (0..<150).map { "\($0)" })
    }

    @Test func `an answer of any length goes behind what waits within the bound`() throws {
        let harness = try harness(.close) { connection in
            connection.send([UInt8](repeating: 1, count: 150_000))
            connection.send([UInt8](repeating: 2, count: 400_000))
            connection.closeAfterFlush()
        }

        let received = try harness.connect().receiveToEnd()

        #expect(received.count == 550_000)
    }

    @Test func `where much must be said before the last words the connection is reset`() throws {
        let harness = try harness(.close) { connection in
            connection.send([UInt8](repeating: 1, count: 150_000))
            connection.send([UInt8](repeating: 2, count: 150_000))
            connection.push(3, .droppable)
        }

        let client = try harness.connect()

        #expect(reasons.wait(atMost: .seconds(30)) { $0.first } == .slowConsumer)
        withExtendedLifetime(client) {}
    }

    @Test func `one that reads nothing is reset although it was told, and counts once`() throws {
        var limits = Limits()
        limits.writeStallTimeout = .seconds(1)
        let harness = try harness(.close, limits: limits) { connection in
            connection.reactor.every(.milliseconds(16)) {
                for number in 0..<20 { connection.push(number, .droppable) }
            }
        }

        let client = try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)

        #expect(reasons.wait(atMost: .seconds(60)) { $0.first } == .slowConsumer)
        let counted = metrics.wait(atMost: .seconds(30)) { $0.outboundByteCount == 0 ? $0 : nil }
        #expect(counted?.slowConsumerCount == 1)
        withExtendedLifetime(client) {}
    }

    @Test func `above the budget the longest queues are shed, and one that reads is served`() throws
    {
        var limits = Limits()
        limits.outboundByteCountMax = 1 << 20
        limits.outboundMemoryByteCountMax = 2 << 20
        let harness = try harness(.close, limits: limits) { connection in
            connection.armTimer(after: .milliseconds(1))
            // Owned, so that each takes memory of its own; its first message may be of any length.
            connection.send([UInt8](repeating: 1, count: 300_000))
        }

        let stuck = try (0..<40).map { _ in
            try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)
        }
        let counted = metrics.wait(atMost: .seconds(60)) {
            $0.budgetShedCount > 0 && $0.outboundByteCount <= 2 << 20 ? $0 : nil
        }
        let reader = try harness.connect()

        #expect(try reader.receive(exactly: 300_000).count == 300_000)
        #expect(counted != nil)
        #expect(reasons.withLock { $0.allSatisfy { $0 == .slowConsumer } })
        withExtendedLifetime(stuck) {}
    }

    @Test func `nothing is held once the peers are gone`() throws {
        let harness = try harness(.close) { connection in
            connection.send([UInt8](repeating: 1, count: 3_000_000))
        }
        do {
            let clients = try (0..<10).map { _ in
                try BlockingClient(to: harness.address, receiveBufferByteCount: 4096)
            }
            #expect(
                metrics.wait(atMost: .seconds(30)) {
                    $0.outboundByteCount > 10_000_000 ? true : nil
                } == true)
            withExtendedLifetime(clients) {}
        }
        #expect(
            metrics.wait(atMost: .seconds(30)) { $0.outboundByteCount == 0 ? true : nil } == true)
    }
}
