// RabbitFixture: a RabbitBus on a loop of its own, with queues of its own on the real broker.

import Foundation
import Loop
import TestSupport

@testable import Services

enum TestBroker {
    static let url = ProcessInfo.processInfo.environment["CONTOSO_TEST_RABBITMQ"]
    static var isPresent: Bool { url != nil }
    static func options() throws -> AMQPOptions { try AMQPOptions(url: url!) }

    /// A name that no other test uses.
    static func queueName() -> String {
        "test." + SystemRandom().bytes(8).map { String($0, radix: 36) }.joined()
    }
}

final class RabbitFixture {
    let queue: String
    let bus: RabbitBus
    let status: LinkStatus
    private let cleanup: () -> Void
    private let group: LoopGroup

    /// - Parameters:
    ///   - address: of a proxy, in place of the broker's.
    ///   - change: of the settings; retries wait 100 ms and 300 ms.
    init(
        through address: String? = nil, password: String? = nil, queue: String? = nil,
        heartbeat: Duration = .seconds(1), change: (inout RabbitSettings) -> Void = { _ in }
    ) throws {
        let name = queue ?? TestBroker.queueName()
        self.queue = name
        var settings = RabbitSettings(queues: [name])
        settings.retryDelays = [.milliseconds(100), .milliseconds(300)]
        change(&settings)
        var options = try TestBroker.options()
        options.heartbeat = heartbeat
        if let password { options.password = password }
        if let address {
            let port = UInt16(address.split(separator: ":").last!)!
            options.hosts = [Endpoint(host: "127.0.0.1", port: port)]
        }
        let queues = RabbitTopology(settings).queues.map(\.name)
        cleanup = {
            // A broker that is gone has nothing to clean up.
            try? ForeignClient(TestBroker.options()).delete(queues)
        }
        let status = LinkStatus(name: "rabbitmq")
        self.status = status
        let made = Monitor(RabbitBus?.none)
        group = LoopGroup()
        try group.start(count: 1, name: "links", limits: Limits()) {
            [options, settings] reactor, _ in
            let bus = try RabbitBus(
                reactor: reactor, options: options, settings: settings, status: status)
            made.update { $0 = bus }
        }
        bus = made.withLock { $0! }
    }

    deinit {
        group.stop()
        cleanup()
    }

    func publish(_ bodies: String...) throws {
        try bus.publish(
            bodies.map { OutgoingMessage(queue: queue, body: Array($0.utf8), headers: [:]) })
    }

    /// Until the link has come back.
    func consumer() throws -> any MessageConsumer {
        let end = SystemTime().monotonicNow.advanced(by: .seconds(30))
        while true {
            do { return try bus.consumer(of: queue) } catch {
                if SystemTime().monotonicNow >= end { throw error }
                usleep(20_000)
            }
        }
    }

    /// Bodies until there are `count` of them, not acked.
    func receive(_ count: Int, with consumer: any MessageConsumer) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count {
            let more = try consumer.receive(max: count - deliveries.count, wait: .seconds(20))
            if more.isEmpty { throw ClientError(description: "only \(deliveries.count) came") }
            deliveries += more
        }
        return deliveries
    }
}

func bodies(_ deliveries: [Delivery]) -> [String] {
    deliveries.map { String(decoding: $0.body, as: UTF8.self) }
}
