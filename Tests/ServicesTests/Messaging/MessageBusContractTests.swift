import Loop
import TestSupport
import Testing

@testable import Services

/// One engine behind the port, with a queue of its own.
final class BusUnderTest: CustomStringConvertible {
    enum Engine: String, CaseIterable, Sendable {
        case embedded, rabbit

        /// All that can run here.
        static var present: [Engine] { TestBroker.isPresent ? allCases : [.embedded] }
    }

    let description: String
    let queue: String
    let bus: any MessageBus
    private let rabbit: RabbitFixture?
    private let database: SQLiteDatabase?

    init(_ engine: Engine) throws {
        description = engine.rawValue
        switch engine {
        case .embedded:
            let database = try memoryDatabase()
            self.database = database
            rabbit = nil
            queue = "q"
            bus = EmbeddedBus(database: database)
        case .rabbit:
            let rabbit = try RabbitFixture()
            self.rabbit = rabbit
            database = nil
            queue = rabbit.queue
            bus = rabbit.bus
        }
    }

    func publish(_ bodies: String..., headers: [String: String] = [:]) throws {
        try bus.publish(
            bodies.map { OutgoingMessage(queue: queue, body: Array($0.utf8), headers: headers) })
    }

    /// Until there are `count`; deliveries may come in portions.
    func receive(_ count: Int, with consumer: any MessageConsumer) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count {
            let more = try consumer.receive(max: count - deliveries.count, wait: .seconds(20))
            if more.isEmpty { throw ClientError(description: "only \(deliveries.count) came") }
            deliveries += more
        }
        return deliveries
    }

    /// Waits for a count that follows an action without an answer, such as an ack.
    func depth(of queue: String, becomes wanted: Int) throws -> Bool {
        let end = SystemTime().monotonicNow.advanced(by: .seconds(20))
        while try bus.depth(of: queue) != wanted {
            if SystemTime().monotonicNow >= end { return false }
        }
        return true
    }
}

/// What every engine promises behind MessageBus.
@Suite("MessageBus contract", .serialized) struct MessageBusContractTests {
    typealias Engine = BusUnderTest.Engine

    @Test(arguments: Engine.present)
    func `messages arrive in order with their headers`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        let headers = ["x-correlation-id": "id", "traceparent": "00-a-b-01", "n": "a: ü"]
        try test.publish("a", "b", headers: headers)
        try test.publish("c")
        let consumer = try test.bus.consumer(of: test.queue)

        let deliveries = try test.receive(3, with: consumer)

        #expect(bodies(deliveries) == ["a", "b", "c"])
        #expect(deliveries[0].headers == headers)
        #expect(deliveries[2].headers.isEmpty)
        #expect(deliveries.allSatisfy { $0.retryCount == 0 && $0.queue == test.queue })
        #expect(try consumer.receive(max: 9, wait: .zero).isEmpty)
    }

    @Test(arguments: Engine.present)
    func `a thousand messages in a few calls keep their order`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        let consumer = try test.bus.consumer(of: test.queue)
        for start in stride(from: 0, to: 1000, by: 250) {
            try test.bus.publish(
                (start..<start + 250).map {
                    OutgoingMessage(queue: test.queue, body: Array("\($0)".utf8), headers: [:])
                })
        }

        var texts: [String] = []
        while texts.count < 1000 {
            let portion = try consumer.receive(max: 128, wait: .seconds(20))
            try #require(!portion.isEmpty)
            texts += bodies(portion)
            try consumer.ack(portion)
        }

        #expect(texts == (0..<1000).map(String.init))
        #expect(try test.depth(of: test.queue, becomes: 0))
    }

    @Test(arguments: Engine.present)
    func `receive gives at most what was asked for, and nothing when there is nothing`(
        engine: Engine
    ) throws {
        let test = try BusUnderTest(engine)
        let consumer = try test.bus.consumer(of: test.queue)
        #expect(try consumer.receive(max: 1, wait: .milliseconds(20)).isEmpty)
        try test.publish("a", "b", "c")
        #expect(bodies(try test.receive(2, with: consumer)) == ["a", "b"])
        #expect(bodies(try test.receive(1, with: consumer)) == ["c"])
    }

    @Test(arguments: Engine.present)
    func `what a consumer has not settled comes again when it goes`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        try test.publish("a", "b", "c", "d")
        var consumer: (any MessageConsumer)? = try test.bus.consumer(of: test.queue)
        let held = try test.receive(3, with: #require(consumer))
        // Out of order, so that neither engine may count on the last one.
        try consumer?.ack([held[1]])

        consumer = nil

        let next = try test.bus.consumer(of: test.queue)
        #expect(bodies(try test.receive(3, with: next)) == ["a", "c", "d"])
    }

    @Test(arguments: Engine.present)
    func `a consumer that was woken does not wait again`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        var woken: (any MessageConsumer)? = try test.bus.consumer(of: test.queue)
        let waker = NativeThread(name: "waker", try #require(woken).wake)
        defer { waker.join() }

        // Ten minutes, or at once.
        #expect(try woken?.receive(max: 1, wait: .seconds(600)).isEmpty == true)
        #expect(try woken?.receive(max: 1, wait: .seconds(600)).isEmpty == true)

        // Others wait as before, once it holds no share of what comes.
        woken = nil
        let other = try test.bus.consumer(of: test.queue)
        try test.publish("a")
        #expect(bodies(try test.receive(1, with: other)) == ["a"])
    }

    @Test(arguments: Engine.present)
    func `two consumers share a queue and never a message`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        let (one, two) = (
            try test.bus.consumer(of: test.queue), try test.bus.consumer(of: test.queue)
        )
        try test.bus.publish(
            (0..<100).map {
                OutgoingMessage(queue: test.queue, body: Array("\($0)".utf8), headers: [:])
            })

        var texts: [String] = []
        while texts.count < 100 {
            for consumer in [one, two] {
                let portion = try consumer.receive(max: 10, wait: .milliseconds(20))
                texts += bodies(portion)
                try consumer.ack(portion)
            }
        }

        #expect(Set(texts).count == 100 && texts.count == 100)
    }

    @Test(arguments: Engine.present)
    func `a retry comes later with its count, body and headers`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        let headers = ["x-correlation-id": "id", "baggage": "b"]
        try test.publish("a", headers: headers)
        let consumer = try test.bus.consumer(of: test.queue)
        let first = try test.receive(1, with: consumer)

        try consumer.retry(first[0], after: .milliseconds(150))
        let second = try test.receive(1, with: consumer)
        try consumer.retry(second[0], after: .milliseconds(150))
        let third = try test.receive(1, with: consumer)

        #expect([first, second, third].map { $0[0].retryCount } == [0, 1, 2])
        #expect(bodies(third) == ["a"])
        for (name, value) in headers { #expect(third[0].headers[name] == value) }
        try consumer.ack(third)
        #expect(try test.depth(of: test.queue, becomes: 0))
    }

    @Test(arguments: Engine.present)
    func `a delayed message counts as waiting`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        try test.publish("a")
        let consumer = try test.bus.consumer(of: test.queue)
        try consumer.retry(try test.receive(1, with: consumer)[0], after: .milliseconds(300))
        #expect(try test.bus.depth(of: test.queue) == 1)
    }

    @Test(arguments: Engine.present)
    func `a dead letter stands in its own queue with the reason`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        try test.publish("a", "b", headers: ["x-correlation-id": "id"])
        let consumer = try test.bus.consumer(of: test.queue)
        let deliveries = try test.receive(2, with: consumer)

        try consumer.deadLetter(deliveries[0], reason: "broken")
        try consumer.ack([deliveries[1]])

        let dead = try test.receive(1, with: test.bus.consumer(of: test.queue + ".dlq"))
        #expect(bodies(dead) == ["a"])
        #expect(dead[0].headers["x-dead-letter-reason"] == "broken")
        #expect(dead[0].headers["x-correlation-id"] == "id")
        #expect(try test.depth(of: test.queue, becomes: 0))
    }

    @Test(arguments: Engine.present)
    func `empty and large bodies, and bytes that are no text, pass unchanged`(engine: Engine) throws
    {
        let test = try BusUnderTest(engine)
        let sent: [[UInt8]] = [
            [], [0, 0xCE, 0xFF], .init(repeating: 7, count: 131_072),
            (0..<10 * 1024 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31) },
        ]
        try test.bus.publish(
            sent.map { OutgoingMessage(queue: test.queue, body: $0, headers: [:]) })
        let deliveries = try test.receive(4, with: test.bus.consumer(of: test.queue))
        #expect(deliveries.map(\.body.count) == sent.map(\.count))
        #expect(deliveries.map(\.body) == sent)
    }

    @Test(arguments: Engine.present)
    func `publishing nothing is nothing`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        try test.bus.publish([])
        #expect(try test.bus.depth(of: test.queue) == 0)
    }

    @Test(arguments: Engine.present)
    func `a worker processes, retries and buries on every engine`(engine: Engine) throws {
        let test = try BusUnderTest(engine)
        try test.publish("good", "bad", "flaky")
        let handler = ScriptedHandler()
        var limits = QueueWorker.Limits()
        limits.retryPolicy.delays = [.milliseconds(100)]
        let counters = OrderCounters()
        let worker = QueueWorker(
            bus: test.bus, queue: test.queue, handler: handler, limits: limits,
            random: SeededRandom(seed: 1), counters: counters)

        let end = SystemTime().monotonicNow.advanced(by: .seconds(20))
        while handler.handled.count < 4, SystemTime().monotonicNow < end {
            _ = worker.step(wait: .milliseconds(50))
        }

        #expect(handler.handled == ["good", "bad", "flaky", "flaky"])
        #expect(counters.retries.value == 1 && counters.deadLetters.value == 1)
        #expect(try test.depth(of: test.queue, becomes: 0))
        #expect(try test.bus.depth(of: test.queue + ".dlq") == 1)
    }
}

/// Good bodies are done, bad ones poison, flaky ones fail the first time.
private final class ScriptedHandler: MessageHandler {
    private let bodiesSeen = Monitor([String]())

    var handled: [String] { bodiesSeen.withLock { $0 } }
    var crashPoints: (afterReceive: CrashPoint, afterAck: CrashPoint) {
        (.processAfterReceive, .processAfterAck)
    }

    func handle(_ deliveries: [Delivery]) -> [Verdict] {
        deliveries.map { delivery in
            let text = String(decoding: delivery.body, as: UTF8.self)
            bodiesSeen.update { $0.append(text) }
            switch text {
            case "bad": return .poison("bad")
            case "flaky" where delivery.retryCount == 0: return .failed("flaky")
            default: return .done
            }
        }
    }
}
