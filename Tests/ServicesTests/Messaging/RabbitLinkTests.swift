import Loop
import Synchronization
import TestSupport
import Testing

@testable import Services

/// What no real broker does on demand.
@Suite("RabbitLink") struct RabbitLinkTests {
    let server: ScriptedServer
    let group = LoopGroup()
    let bus: RabbitBus
    let status = LinkStatus(name: "rabbitmq")

    init() throws {
        Log.level = .error
        server = try ScriptedServer()
        var settings = RabbitSettings(queues: ["q"])
        settings.retryDelays = []
        let options = AMQPOptions(hosts: [Endpoint(host: "127.0.0.1", port: server.listener.port)])
        let made = Monitor(RabbitBus?.none)
        let status = status
        try group.start(count: 1, name: "links", limits: Limits()) { [settings] reactor, _ in
            let bus = try RabbitBus(
                reactor: reactor, options: options, settings: settings, status: status)
            made.update { $0 = bus }
        }
        bus = try #require(made.withLock { $0 })
    }

    @Test func `a message counts when it is confirmed, and not before`() throws {
        defer { group.stop() }
        try server.acceptPublisher(queueCount: 2)
        let outcome = publish("a")
        try server.expect("basic.publish 1", "header 1", "body 1 1")
        #expect(outcome.withLock { $0 } == nil)
        server.broker.ack(1, 1, isMultiple: false)
        try server.send()
        #expect(outcome.wait(atMost: .seconds(20)) { $0 } == "")
        #expect(status.isUp)
    }

    @Test func `a message that the broker could not keep is an error`() throws {
        defer { group.stop() }
        try server.acceptPublisher(queueCount: 2)
        let outcome = publish("a")
        try server.expect("basic.publish 1", "header 1", "body 1 1")
        server.broker.nack(1, 1)
        try server.send()
        let reason = outcome.wait(atMost: .seconds(20)) { $0 }
        #expect(reason == "RabbitMQ at \(server.address) could not keep a message")
    }

    @Test func `while the broker blocks, calls fail at once with its reason, and work afterwards`()
        throws
    {
        defer { group.stop() }
        try server.acceptPublisher(queueCount: 2)
        let waiting = publish("a")
        try server.expect("basic.publish 1", "header 1", "body 1 1")
        server.broker.blocked("low on memory")
        try server.send()
        let text = "RabbitMQ at \(server.address) takes no messages: low on memory"
        #expect(waiting.wait(atMost: .seconds(20)) { $0 } == text)
        #expect(publish("b").wait(atMost: .seconds(20)) { $0 } == text)

        server.broker.unblocked()
        server.broker.ack(1, 1, isMultiple: false)
        try server.send()
        while true {
            let outcome = publish("c")
            if outcome.wait(atMost: .milliseconds(50), { $0 }) != nil { continue }
            try server.expect("basic.publish 1", "header 1", "body 1 1")
            server.broker.ack(1, 2, isMultiple: false)
            try server.send()
            #expect(outcome.wait(atMost: .seconds(20)) { $0 } == "")
            break
        }
    }

    @Test func `what was unconfirmed goes out again, in order and only that`() throws {
        defer { group.stop() }
        try server.acceptPublisher(queueCount: 2)
        let outcome = publish("a", "bb", "ccc")
        try server.expect(
            "basic.publish 1", "header 1", "body 1 1", "basic.publish 1", "header 1", "body 1 2",
            "basic.publish 1", "header 1", "body 1 3")
        server.broker.ack(1, 2, isMultiple: false)
        // A close with a reason: the confirm before it is read for certain.
        server.broker.close(320, "CONNECTION_FORCED")
        try server.send()
        try server.acceptPublisher(queueCount: 2)
        try server.expect(
            "basic.publish 1", "header 1", "body 1 1", "basic.publish 1", "header 1", "body 1 3")
        server.broker.ack(1, 2, isMultiple: true)
        try server.send()
        #expect(outcome.wait(atMost: .seconds(20)) { $0 } == "")
    }

    @Test func `bytes that are no frame, and confirms of nothing, cut the link and it comes back`()
        throws
    {
        defer { group.stop() }
        try server.acceptPublisher(queueCount: 2)
        server.broker.ack(1, 7, isMultiple: false)
        try server.send()
        try server.acceptPublisher(queueCount: 2)
        server.broker.channelClose(1, 504, "CHANNEL_ERROR")
        try server.send()
        try server.acceptPublisher(queueCount: 2)
        #expect(status.lossCount.load(ordering: .relaxed) >= 2)
    }

    @Test func `a queue that another pod is declaring is declared again, and nobody is refused`()
        throws
    {
        defer { group.stop() }
        try server.acceptClient()
        server.broker.channelOpenOk(1)
        server.broker.channelClose(1, 404, "NOT_FOUND - home node of queue 'q' is inaccessible")
        try server.send()
        try server.acceptPublisher(queueCount: 2)
        let outcome = publish("a")
        try server.expect("basic.publish 1", "header 1", "body 1 1")
        server.broker.ack(1, 1, isMultiple: false)
        try server.send()
        #expect(outcome.wait(atMost: .seconds(20)) { $0 } == "")
    }

    /// The outcome of a publish on a thread of its own: the reason, or "" for none.
    private func publish(_ bodies: String...) -> Monitor<String?> {
        let outcome = Monitor(String?.none)
        let messages = bodies.map {
            OutgoingMessage(queue: "q", body: Array($0.utf8), headers: [:])
        }
        _ = NativeThread(name: "publisher") { [bus] in
            do throws(BusError) {
                try bus.publish(messages)
                outcome.update { $0 = "" }
            } catch { outcome.update { $0 = error.reason } }
        }
        return outcome
    }
}
