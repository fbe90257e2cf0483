import Foundation
import Loop
import Testing
import TestSupport

@testable import Services

@Suite("EmbeddedBus") struct EmbeddedBusTests {
    let temporary = TemporaryDatabase()
    let clock = FakeClock()
    let database: SQLiteDatabase
    let bus: EmbeddedBus

    init() throws {
        database = try temporary.open()
        bus = EmbeddedBus(database: database, clock: clock)
    }

    @Test func `messages arrive in order with their headers, once`() throws {
        try publish("a", "b", "c")
        let consumer = bus.consumer(of: "q")

        let first = try consumer.receive(max: 2, wait: .zero)
        let second = try consumer.receive(max: 2, wait: .zero)

        #expect(texts(first) == ["a", "b"])
        #expect(texts(second) == ["c"])
        #expect(first[0].headers == ["x-correlation-id": "id", "n": "a: b"])
        #expect(first[0].retryCount == 0)
        #expect(try consumer.receive(max: 9, wait: .zero).isEmpty)
    }

    @Test func `two consumers of a queue never hold the same message`() throws {
        try publish("a", "b", "c")
        let (one, two) = (bus.consumer(of: "q"), bus.consumer(of: "q"))

        let first = try one.receive(max: 2, wait: .zero)

        #expect(texts(try two.receive(max: 9, wait: .zero)) == ["c"])
        #expect(texts(first) == ["a", "b"])
    }

    @Test func `queues do not see each other's messages`() throws {
        try publish("a")

        #expect(try bus.consumer(of: "other").receive(max: 9, wait: .zero).isEmpty)
        #expect(try bus.depth(of: "other") == 0)
        #expect(try bus.depth(of: "q") == 1)
    }

    @Test func `acked messages are gone for ever`() throws {
        try publish("a", "b")
        let consumer = bus.consumer(of: "q")

        try consumer.ack(try consumer.receive(max: 1, wait: .zero))

        #expect(try bus.depth(of: "q") == 1)
        #expect(texts(try receiveAfterRestart()) == ["b"])
    }

    @Test func `what a consumer has not settled comes again when the consumer goes`() throws {
        try publish("a", "b")
        var consumer: (any MessageConsumer)? = bus.consumer(of: "q")
        try consumer?.ack(try #require(consumer).receive(max: 1, wait: .zero))
        _ = try consumer?.receive(max: 1, wait: .zero)

        consumer = nil

        #expect(texts(try bus.consumer(of: "q").receive(max: 9, wait: .zero)) == ["b"])
    }

    @Test func `claims do not outlive their process`() throws {
        try publish("a")
        let consumer = bus.consumer(of: "q")
        _ = try consumer.receive(max: 1, wait: .zero)

        #expect(texts(try receiveAfterRestart()) == ["a"])
        withExtendedLifetime(consumer) {}
    }

    @Test func `a claim ends after its time, and the late ack still counts`() throws {
        try publish("a")
        let (slow, other) = (bus.consumer(of: "q"), bus.consumer(of: "q"))
        let held = try slow.receive(max: 1, wait: .zero)

        clock.advance(by: .seconds(60) - .nanoseconds(1))
        #expect(try other.receive(max: 1, wait: .zero).isEmpty)
        clock.advance(by: .nanoseconds(1))
        let again = try other.receive(max: 1, wait: .zero)
        try slow.ack(held)

        #expect(texts(again) == ["a"])
        #expect(try bus.depth(of: "q") == 0)
        clock.advance(by: .seconds(61))
        #expect(try other.receive(max: 1, wait: .zero).isEmpty)
    }

    @Test func `a retry comes after its delay with its count, before newer messages`() throws {
        try publish("a", "b")
        let consumer = bus.consumer(of: "q")
        let first = try consumer.receive(max: 1, wait: .zero)

        try consumer.retry(first[0], after: .seconds(2))

        clock.advance(by: .seconds(1))
        #expect(texts(try consumer.receive(max: 1, wait: .zero)) == ["b"])
        try publish("c")
        clock.advance(by: .seconds(1))
        let again = try consumer.receive(max: 2, wait: .zero)
        #expect(texts(again) == ["a", "c"])
        #expect(again.map(\.retryCount) == [1, 0])
    }

    @Test func `the retry count survives a restart`() throws {
        try publish("a")
        let consumer = bus.consumer(of: "q")
        try consumer.retry(try consumer.receive(max: 1, wait: .zero)[0], after: .seconds(100))

        #expect(try receiveAfterRestart().map(\.retryCount) == [1])
    }

    @Test func `a dead letter stands in its own queue with the reason, and can be given back`()
        throws
    {
        try publish("a")
        let consumer = bus.consumer(of: "q")
        let delivery = try consumer.receive(max: 1, wait: .zero)[0]

        try consumer.deadLetter(delivery, reason: "broken\nbadly")

        #expect(try bus.depth(of: "q") == 0)
        let dead = try bus.consumer(of: "q.dlq").receive(max: 9, wait: .zero)
        #expect(texts(dead) == ["a"])
        #expect(dead[0].headers["x-dead-letter-reason"] == "brokenbadly")

        #expect(try bus.requeueDeadLetters(of: "q") == 1)
        #expect(texts(try consumer.receive(max: 9, wait: .zero)) == ["a"])
        #expect(try bus.depth(of: "q.dlq") == 0)
    }

    @Test func `a waiting consumer is woken by a publish, long before its wait ends`() throws {
        let bus = self.bus
        let received = Monitor([String]())
        let thread = Thread {
            let deliveries = try? bus.consumer(of: "q").receive(max: 1, wait: .seconds(60))
            received.update { $0 = (deliveries ?? []).map { text($0) } + ["end"] }
        }
        thread.start()

        try publish("a")

        let result = received.wait(atMost: .seconds(20)) { $0.isEmpty ? nil : $0 }
        #expect(result == ["a", "end"])
    }

    private func publish(_ bodies: String...) throws {
        try bus.publish(
            bodies.map {
                OutgoingMessage(
                    queue: "q", body: Array($0.utf8),
                    headers: ["x-correlation-id": "id", "n": "a: b"])
            })
    }

    /// A new bus on the same database knows of no claims, like a new process.
    private func receiveAfterRestart() throws -> [Delivery] {
        try EmbeddedBus(database: database, clock: clock).consumer(of: "q")
            .receive(max: 9, wait: .zero)
    }
}

private func text(_ delivery: Delivery) -> String { String(decoding: delivery.body, as: UTF8.self) }

private func texts(_ deliveries: [Delivery]) -> [String] { deliveries.map { text($0) } }
