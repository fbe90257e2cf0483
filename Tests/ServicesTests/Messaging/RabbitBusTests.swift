import Loop
import TestSupport
import Testing

@testable import Services

/// What only a broker can do, and what can happen to the link to it.
@Suite("RabbitBus", .serialized, .enabled(if: TestBroker.isPresent)) struct RabbitBusTests {
    init() { Log.level = .error }

    // MARK: Sharing the broker with other programs

    @Test func `a queue that others declared without arguments is shared`() throws {
        let queue = TestBroker.queueName()
        let foreign = try ForeignClient(TestBroker.options())
        try foreign.declare(queue)
        let fixture = try RabbitFixture(queue: queue)

        try foreign.publish("from outside", to: queue)
        let consumer = try fixture.consumer()
        #expect(bodies(try fixture.receive(1, with: consumer)) == ["from outside"])
        // And they may declare it again after us.
        try foreign.declare(queue)
    }

    @Test func `on the wire a message is persistent JSON with text headers`() throws {
        let fixture = try RabbitFixture()
        let headers = ["x-correlation-id": "id"]
        try fixture.bus.publish([
            OutgoingMessage(queue: fixture.queue, body: Array("{}".utf8), headers: headers)
        ])
        let delivery = try ForeignClient(TestBroker.options()).receive(from: fixture.queue)
        #expect(delivery.body == Array("{}".utf8))
        #expect(delivery.properties == AMQPProperties.encode(headers, arena: AMQPArena()))
    }

    @Test func `a retry waits in its queue with a 32-bit count and keeps foreign properties`()
        throws
    {
        let fixture = try RabbitFixture { $0.retryDelays = [.seconds(600)] }
        // Content type text/plain, header n = 64-bit 5, persistent.
        let properties: [UInt8] =
            [0xB0, 0x00, 10] + Array("text/plain".utf8) + [0, 0, 0, 11, 1, UInt8(ascii: "n")]
            + [UInt8(ascii: "l"), 0, 0, 0, 0, 0, 0, 0, 5] + [2]
        let foreign = try ForeignClient(TestBroker.options())
        let consumer = try fixture.consumer()
        try foreign.publish([1], properties: properties, to: fixture.queue)

        try consumer.retry(try fixture.receive(1, with: consumer)[0], after: .seconds(1))

        let waiting = try foreign.receive(from: fixture.queue + ".retry.1")
        let text = String(decoding: waiting.properties, as: UTF8.self)
        #expect(text.contains("text/plain"))
        #expect(text.contains("x-retry-countI\0\0\0\u{1}"))
        #expect(waiting.headers == ["n": "5"])
        #expect(waiting.retryCount == 1)
    }

    @Test func `a queue that exists with other arguments is named with the broker's reason`() throws
    {
        let queue = TestBroker.queueName()
        let foreign = try ForeignClient(TestBroker.options())
        try foreign.declare(queue, arguments: [("x-message-ttl", .integer(60_000))])
        let fixture = try RabbitFixture(queue: queue)

        let reason = failure { try fixture.bus.connect(atMost: .seconds(20)) }

        #expect(reason.contains(queue) && reason.contains("other arguments"))
        #expect(reason.contains("x-message-ttl"))
        #expect(!fixture.status.isUp)
    }

    @Test func `queues that are only checked must be there`() throws {
        let fixture = try RabbitFixture { $0.declaresQueues = false }
        let reason = failure { try fixture.bus.connect(atMost: .seconds(20)) }
        #expect(reason.contains(fixture.queue) && reason.contains("NOT_FOUND"))
    }

    @Test func `a message for no queue is an error that names queue and broker`() throws {
        let fixture = try RabbitFixture()
        let reason = failure {
            try fixture.bus.publish([OutgoingMessage(queue: "nowhere", body: [1], headers: [:])])
        }
        #expect(reason.contains("nowhere") && reason.contains("127.0.0.1:"))
        // The channel lives on.
        try fixture.publish("a")
    }

    @Test func `a consumer of no queue, and the depth of none, are errors`() throws {
        let fixture = try RabbitFixture()
        #expect(failure { _ = try fixture.bus.consumer(of: "nowhere") }.contains("nowhere"))
        #expect(failure { _ = try fixture.bus.depth(of: "nowhere") }.contains("nowhere"))
        #expect(try fixture.bus.depth(of: fixture.queue) == 0)
    }

    @Test func `a message longer than we keep is marked, and put aside as far as we have it`()
        throws
    {
        let fixture = try RabbitFixture { $0.bodyByteCountMax = 1000 }
        let consumer = try fixture.consumer()
        try fixture.bus.publish(
            [1000, 1001, 1].map {
                OutgoingMessage(
                    queue: fixture.queue, body: .init(repeating: 7, count: $0), headers: [:])
            })

        let deliveries = try fixture.receive(3, with: consumer)

        #expect(deliveries.map(\.body.count) == [1000, 1000, 1])
        let defect = try #require(deliveries[1].defect)
        #expect(deliveries.map { $0.defect == nil } == [true, false, true])
        try consumer.deadLetter(deliveries[1], reason: defect)
        let dead = try ForeignClient(TestBroker.options()).receive(from: fixture.queue + ".dlq")
        #expect(dead.body.count == 1000)
        #expect(
            dead.headers["x-dead-letter-reason"] == "body of 1001 bytes; cut to the first 1000")
    }

    @Test func `headers too large for the wire are refused`() throws {
        let fixture = try RabbitFixture()
        let headers = ["h": String(repeating: "x", count: 40_000)]
        let reason = failure {
            try fixture.bus.publish([
                OutgoingMessage(queue: fixture.queue, body: [], headers: headers)
            ])
        }
        #expect(reason.contains("headers") && reason.contains(fixture.queue))
    }

    @Test func `a delivery can be settled once, and only by its own consumer`() throws {
        let fixture = try RabbitFixture()
        try fixture.publish("a", "b")
        var consumer = try fixture.consumer()
        let old = try fixture.receive(2, with: consumer)
        try consumer.ack([old[0]])
        #expect(throws: BusError.self) { try consumer.ack([old[0]]) }

        consumer = try fixture.consumer()
        let again = try fixture.receive(1, with: consumer)
        #expect(bodies(again) == ["b"])
        #expect(throws: BusError.self) { try consumer.ack([old[1]]) }
        #expect(throws: BusError.self) { try consumer.retry(old[1], after: .seconds(1)) }
        try consumer.ack(again)
    }

    @Test func `quorum queues work the same`() throws {
        let fixture = try RabbitFixture { $0.usesQuorumQueues = true }
        try fixture.publish("a")
        let consumer = try fixture.consumer()
        try consumer.retry(try fixture.receive(1, with: consumer)[0], after: .milliseconds(100))
        let again = try fixture.receive(1, with: consumer)
        #expect(again[0].retryCount == 1)
        try consumer.deadLetter(again[0], reason: "enough")
        #expect(try fixture.bus.depth(of: fixture.queue + ".dlq") == 1)
    }

    // MARK: Faults

    @Test func `a wrong password names --broker, host and user, and not the password`() throws {
        let fixture = try RabbitFixture(password: "SECRET")
        let reason = failure { try fixture.bus.connect(atMost: .seconds(20)) }
        #expect(reason.contains("--broker") && reason.contains("127.0.0.1:"))
        #expect(reason.contains("ACCESS_REFUSED") && !reason.contains("SECRET"))
        // Refusals are known at once afterwards.
        #expect(failure { try fixture.publish("a") } == reason)
        #expect(!fixture.status.isUp)
    }

    @Test func `nobody at the address is an error in time that names it`() throws {
        let proxy = FaultProxy(to: try TestBroker.options().hosts[0].text)
        proxy.refuse()
        let fixture = try RabbitFixture(through: proxy.address) {
            $0.callTimeout = .seconds(2)
        }
        #expect(failure { try fixture.publish("a") }.contains(proxy.address))
        #expect(failure { _ = try fixture.bus.consumer(of: fixture.queue) }.contains(proxy.address))
        proxy.refuse(false)
        // Each link comes back by itself, after pauses of its own.
        try fixture.bus.connect(atMost: .seconds(20))
        _ = try fixture.consumer()
        #expect(fixture.status.isUp)
    }

    @Test func `after a cut both links come back and nothing is lost`() throws {
        let proxy = FaultProxy(to: try TestBroker.options().hosts[0].text)
        let fixture = try RabbitFixture(through: proxy.address)
        try fixture.publish("a", "b")
        var consumer = try fixture.consumer()
        let held = try fixture.receive(2, with: consumer)

        proxy.cut()

        // The consumer is over at some moment; whatever is tried with it then fails.
        #expect(throws: BusError.self) {
            while true { _ = try consumer.receive(max: 9, wait: .seconds(20)) }
        }
        #expect(throws: BusError.self) { try consumer.ack(held) }
        try fixture.publish("c")
        consumer = try fixture.consumer()
        #expect(Set(bodies(try fixture.receive(3, with: consumer))) == ["a", "b", "c"])
        #expect(fixture.status.isUp)
    }

    @Test func `a confirm that is lost makes the message go out again while its caller waits`()
        throws
    {
        let proxy = FaultProxy(to: try TestBroker.options().hosts[0].text)
        let fixture = try RabbitFixture(through: proxy.address, heartbeat: .seconds(30)) {
            $0.callTimeout = .seconds(20)
        }
        try fixture.bus.connect(atMost: .seconds(20))
        let foreign = try ForeignClient(TestBroker.options())
        proxy.holdDown()
        let outcome = Monitor(String?.none)
        let message = OutgoingMessage(queue: fixture.queue, body: [1], headers: [:])
        _ = NativeThread(name: "publisher") { [bus = fixture.bus] in
            let reason = failure { try bus.publish([message]) }
            outcome.update { $0 = reason }
        }
        while try foreign.count(fixture.queue) == 0 {}
        #expect(outcome.withLock { $0 } == nil)

        proxy.cut()
        proxy.holdDown(false)

        #expect(outcome.wait(atMost: .seconds(20)) { $0 } == "")
        #expect(try foreign.count(fixture.queue) == 2)
    }

    @Test func `a broker that answers nothing is an error in time, and publishes nothing later`()
        throws
    {
        let proxy = FaultProxy(to: try TestBroker.options().hosts[0].text)
        let fixture = try RabbitFixture(through: proxy.address, heartbeat: .seconds(30)) {
            // The real broker must keep it afterwards, on any disk.
            $0.callTimeout = .seconds(2)
        }
        try fixture.bus.connect(atMost: .seconds(20))
        proxy.holdUp()
        let reason = failure { try fixture.publish("a") }
        #expect(reason.contains("did not confirm") && reason.contains(fixture.queue))
        proxy.cut()
        proxy.holdUp(false)
        let consumer = try fixture.consumer()
        try fixture.publish("b")
        #expect(bodies(try fixture.receive(1, with: consumer)) == ["b"])
    }

    @Test func `a frozen broker is noticed within two heartbeats`() throws {
        let proxy = FaultProxy(to: try TestBroker.options().hosts[0].text)
        let fixture = try RabbitFixture(through: proxy.address, heartbeat: .seconds(1))
        let consumer = try fixture.consumer()
        proxy.holdDown()
        let start = SystemTime().monotonicNow

        let reason = failure {
            while true { _ = try consumer.receive(max: 1, wait: .seconds(20)) }
        }

        let time = start.duration(to: SystemTime().monotonicNow)
        #expect(reason.contains("silent for 2000 ms"))
        // One tick of the timers and a loaded machine on top.
        #expect(time < .milliseconds(2500), "\(time)")
        proxy.cut()
        proxy.holdDown(false)
        _ = try fixture.consumer()
    }

    @Test func `an idle link lives through many heartbeats`() throws {
        let proxy = FaultProxy(to: try TestBroker.options().hosts[0].text)
        let fixture = try RabbitFixture(through: proxy.address, heartbeat: .seconds(1))
        let consumer = try fixture.consumer()
        #expect(try consumer.receive(max: 1, wait: .seconds(4)).isEmpty)
        try fixture.publish("a")
        #expect(bodies(try fixture.receive(1, with: consumer)) == ["a"])
        #expect(proxy.connectionCount == 2)
    }

    @Test func `the second host serves while the first is away`() throws {
        var options = try TestBroker.options()
        options.hosts.insert(Endpoint(host: "127.0.0.1", port: 1), at: 0)
        let made = Monitor(RabbitBus?.none)
        let group = LoopGroup()
        defer { group.stop() }
        try group.start(count: 1, limits: Limits()) { [options] reactor, _ in
            let bus = try RabbitBus(
                reactor: reactor, options: options, settings: RabbitSettings(queues: []),
                status: LinkStatus(name: "rabbitmq"))
            made.update { $0 = bus }
        }
        let bus = try #require(made.withLock { $0 })
        let reason = failure {
            try bus.publish([OutgoingMessage(queue: "nowhere", body: [], headers: [:])])
        }
        #expect(reason.contains("has no queue nowhere"))
    }

    @Test func `a consumer whose queue is deleted learns of it`() throws {
        let fixture = try RabbitFixture()
        let consumer = try fixture.consumer()
        try ForeignClient(TestBroker.options()).delete([fixture.queue])
        #expect(
            failure { while true { _ = try consumer.receive(max: 1, wait: .seconds(20)) } }
                .contains(fixture.queue))
    }
}

/// The reason of the error; empty if there was none.
private func failure(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        switch error {
        case let error as BusError: return error.reason
        case let error as RabbitFailure: return error.reason
        default: return "\(error)"
        }
    }
}
