// RabbitBus: the message bus on RabbitMQ, for several pods.
//
//   relay, workers ─ publish ─▶ ┐                   ┌─▶ link "publish" ─▶ broker: confirms, returns
//                               ├─ mailbox ─▶ loop ─┤
//   workers ─ consume, settle ─▶┘                   └─▶ link "consume" ─▶ broker: deliveries, acks
//
// Two connections, as RabbitMQ advises: in a memory or disk alarm the broker stops reading from
// whoever publishes. Acks on the same connection would be stuck with the publishes, and the queues
// whose emptying would end the alarm would stay full. The second is made for the first consumer.
//
// Thread: made on the loop; used by any worker thread, whose calls block.  Allocates: per message.

import Loop
import Synchronization

/// What the workers ask of the loop.
enum RabbitCommand: Sendable {
    case publish(PublishRequest)
    case depth(DepthRequest)
    case connect(ConnectRequest)
    case consume(ConsumerFeed)
    case settle(ConsumerFeed, tags: [UInt64])
    case close(ConsumerFeed)
    #if CRASH_POINTS
        case written(PublishRequest)
    #endif
}

public final class RabbitBus: MessageBus {
    private let settings: RabbitSettings
    private let topology: RabbitTopology
    /// All hosts, for errors.
    private let place: String
    private let mailbox: Mailbox<RabbitCommand>
    private let consumerCount = Atomic<Int64>(0)

    /// Made on the loop's thread, before or after its first tick; begins to connect.
    ///
    /// - Parameter status: up while every link in use is ready.
    /// - Throws: if the URL asks for TLS and its files cannot be used.
    public init(
        reactor: Reactor, options: AMQPOptions, settings: RabbitSettings, status: LinkStatus,
        random: any RandomSource = SystemRandom()
    ) throws(TLSConfigurationError) {
        let endpoints = try options.endpoints()
        self.settings = settings
        topology = RabbitTopology(settings)
        place = options.hosts.map(\.text).joined(separator: ",")
        let loop = RabbitLoop(
            reactor: reactor, endpoints: endpoints, options: options, settings: settings,
            status: status, random: random)
        mailbox = reactor.makeMailbox(of: RabbitCommand.self) { loop.receive($0) }
        #if CRASH_POINTS
            loop.ownMailbox = mailbox
        #endif
    }

    // MARK: MessageBus

    public var systemName: StaticString { "rabbitmq" }

    public func publish(_ messages: [OutgoingMessage]) throws(BusError) {
        if messages.isEmpty { return }
        let arena = AMQPArena()
        var encoded: [AMQPMessage] = []
        encoded.reserveCapacity(messages.count)
        for message in messages {
            try check(queue: message.queue)
            guard let properties = AMQPProperties.encode(message.headers, arena: arena) else {
                throw BusError(
                    reason: "the headers of a message for queue \(message.queue) are too large")
            }
            encoded.append(
                AMQPMessage(queue: message.queue, properties: properties, body: message.body))
        }
        let request = PublishRequest(messages: encoded)
        try post(.publish(request))
        #if CRASH_POINTS
            if case .success? = request.written.wait(atMost: settings.callTimeout) {
                CrashPoint.reach(.relayAfterPublish)
            }
        #endif
        try awaitConfirm(of: request)
    }

    public func consumer(of queue: String) throws(BusError) -> any MessageConsumer {
        try check(queue: queue)
        let serial = consumerCount.wrappingAdd(1, ordering: .relaxed).newValue
        let feed = ConsumerFeed(queue: queue, serial: serial)
        try post(.consume(feed))
        guard let started = feed.waitUntilStarted(atMost: settings.callTimeout) else {
            mailbox.post(.close(feed))
            throw timedOut("begin to deliver from queue \(queue)")
        }
        try started.get()
        return RabbitConsumer(feed: feed, bus: self)
    }

    /// Counts what lies in the queue and in its retry queues; not what consumers have received and
    /// not settled.
    public func depth(of queue: String) throws(BusError) -> Int {
        try check(queue: queue)
        let request = DepthRequest(queues: topology.queuesCounted(for: queue))
        try post(.depth(request))
        guard let depth = request.reply.wait(atMost: settings.callTimeout) else {
            throw timedOut("count queue \(queue)")
        }
        return try depth.get()
    }

    // MARK: For start-up

    /// Waits until the queues are declared. Ends early if the broker refuses us, because waiting
    /// would change nothing.
    public func connect(atMost timeout: Duration) throws(RabbitFailure) {
        let request = ConnectRequest()
        mailbox.post(.connect(request))
        if case .success(let refusal)? = request.reply.wait(atMost: timeout) {
            if let refusal { throw refusal }
            return
        }
        if let obstacle = request.obstacle.withLock({ $0 }) { throw obstacle }
        throw RabbitFailure(
            reason: "RabbitMQ at \(place) did not answer within \(timeout.milliseconds) ms",
            isRefusal: false)
    }

    // MARK: For consumers

    /// Returns once the broker has it.
    func publish(_ message: AMQPMessage) throws(BusError) {
        let request = PublishRequest(messages: [message])
        try post(.publish(request))
        try awaitConfirm(of: request)
    }

    func settle(_ tags: [UInt64], of feed: ConsumerFeed) throws(BusError) {
        try post(.settle(feed, tags: tags))
    }

    func close(_ feed: ConsumerFeed) {
        // Refused only when the loop has ended, and the connection with it.
        mailbox.post(.close(feed))
    }

    func retryQueue(of queue: String, after delay: Duration) throws(BusError) -> String {
        guard let name = topology.retryQueue(of: queue, after: delay) else {
            throw BusError(reason: "queue \(queue) has no retry queues")
        }
        return name
    }

    private func awaitConfirm(of request: PublishRequest) throws(BusError) {
        guard let confirmed = request.reply.wait(atMost: settings.callTimeout) else {
            throw timedOut("confirm messages for queue \(request.messages[0].queue)")
        }
        try confirmed.get()
    }

    /// The wire has one byte for the length of a name.
    private func check(queue: String) throws(BusError) {
        if !(1...255).contains(queue.utf8.count) {
            throw BusError(reason: "a queue's name must be 1...255 bytes long")
        }
    }

    private func post(_ command: RabbitCommand) throws(BusError) {
        if !mailbox.post(command) { throw BusError(reason: "the RabbitMQ link has ended") }
    }

    private func timedOut(_ what: String) -> BusError {
        BusError(
            reason: "RabbitMQ at \(place) did not \(what) within "
                + "\(settings.callTimeout.milliseconds) ms")
    }
}
