// QueueWorker: takes messages from one queue to a handler and settles each by the handler's verdict.
//
//   receive ──▶ handle ──▶ done    ──▶ ack
//      ▲                ├──▶ away    ──▶ hold it, pause, handle again
//      │                ├──▶ failed  ──▶ retry after 1, 2, 4, 8, 16 s, then dead letter
//      │                └──▶ poison  ──▶ dead letter
//      └── bus away ──▶ new consumer after a pause; what was unsettled comes again
//
// A dependency that is away burns no retries: the messages are not to blame.
//
// Thread: one; made on the thread that calls `step`.  Allocates: per batch.

import Loop

/// What is to become of a message.
public enum Verdict: Equatable, Sendable {
    case done
    /// Something that it needs is away, which is not its fault.
    case away(String)
    /// It failed and may succeed later.
    case failed(String)
    /// It can never succeed.
    case poison(String)
}

extension Verdict {
    /// Why it is not done.
    var reason: String? {
        switch self {
        case .done: nil
        case .away(let reason), .failed(let reason), .poison(let reason): reason
        }
    }
}

/// The work on the messages of one queue. Repeats are expected and must be harmless.
public protocol MessageHandler: Sendable {
    /// Reached after a receive and after an ack.
    var crashPoints: (afterReceive: CrashPoint, afterAck: CrashPoint) { get }

    /// - Returns: one verdict per delivery, in order.
    func handle(_ deliveries: [Delivery]) -> [Verdict]
}

extension MessageHandler {
    /// Reads all events, works on those that can be read, and buries the others.
    ///
    /// - Parameters:
    ///   - work: gives one verdict per event, in order.
    ///   - decode: gets each delivery with its place.
    func settle<Event>(
        _ deliveries: [Delivery], with work: ([Event]) -> [Verdict],
        decode: (Int, Delivery) throws(PoisonMessage) -> Event
    ) -> [Verdict] {
        var verdicts: [Verdict] = []
        var events: [Event] = []
        var places: [Int] = []
        for (index, delivery) in deliveries.enumerated() {
            do throws(PoisonMessage) {
                events.append(try decode(index, delivery))
                places.append(index)
                verdicts.append(.done)
            } catch {
                verdicts.append(.poison(error.reason))
            }
        }
        for (place, verdict) in zip(places, work(events)) { verdicts[place] = verdict }
        return verdicts
    }
}

public final class QueueWorker: SteppedRole {
    public struct Limits: Sendable {
        /// Messages taken at once, and in one commit.
        public var batchCountMax = 128
        public var retryPolicy = RetryPolicy()
        public init() {}
    }

    private let bus: any MessageBus
    private let queue: String
    private let handler: any MessageHandler
    private let limits: Limits
    private let random: any RandomSource
    private let counters: OrderCounters
    private let log = Log("queue")

    private var consumer: (any MessageConsumer)?
    private let waking = Monitor(Waking())
    /// Received, not settled, and waiting for what is away.
    private var held: [Delivery] = []
    private var backoff = Backoff()

    /// Whose wait is to be ended, or has been.
    private struct Waking: Sendable {
        var isWoken = false
        var wakeConsumer: (@Sendable () -> Void)?
    }

    public init(
        bus: any MessageBus, queue: String, handler: any MessageHandler,
        limits: Limits = Limits(), random: any RandomSource = SystemRandom(),
        counters: OrderCounters = OrderCounters()
    ) {
        self.bus = bus
        self.queue = queue
        self.handler = handler
        self.limits = limits
        self.random = random
        self.counters = counters
    }

    public func step(wait: Duration) -> StepOutcome {
        do {
            let consumer = try connected()
            if held.isEmpty {
                held = try consumer.receive(max: limits.batchCountMax, wait: wait)
                if held.isEmpty { return .idle }
                CrashPoint.reach(handler.crashPoints.afterReceive)
                let count = held.count
                try buryDefective(with: consumer)
                if held.isEmpty { return .worked(count) }
            }
            let deliveries = held
            let verdicts = handler.handle(deliveries)
            precondition(verdicts.count == deliveries.count)
            held = []
            for (delivery, verdict) in zip(deliveries, verdicts) {
                guard case .away(let reason) = verdict else { continue }
                if held.isEmpty {
                    log.warning("dependency away", [.string("queue", queue), .reason(reason)])
                }
                held.append(delivery)
            }
            try settle(deliveries, by: verdicts, with: consumer)
            if !held.isEmpty { return .paused(backoff.next(random: random)) }
            backoff.reset()
            return .worked(deliveries.count)
        } catch {
            // Whatever was unsettled is the bus's again once the consumer is gone.
            log.warning("bus away", [.string("queue", queue), .reason(error.reason)])
            consumer = nil
            held = []
            return .paused(backoff.next(random: random))
        }
    }

    private func connected() throws(BusError) -> any MessageConsumer {
        if let consumer { return consumer }
        var made = try bus.consumer(of: queue)
        if Sabotage.isOn(.ackFirst) { made = AckFirst(consumer: made) }
        consumer = made
        let isWoken = waking.withLock { waking in
            waking.wakeConsumer = made.wake
            return waking.isWoken
        }
        if isWoken { made.wake() }
        return made
    }

    public var wake: @Sendable () -> Void {
        { [waking] in
            let wakeConsumer = waking.withLock { waking in
                waking.isWoken = true
                return waking.wakeConsumer
            }
            wakeConsumer?()
        }
    }

    /// What the bus has handed out and nobody has worked on goes to other consumers at once.
    public func finish() {
        held = []
        consumer = nil
        waking.withLock { $0.wakeConsumer = nil }
    }

    private func settle(
        _ deliveries: [Delivery], by verdicts: [Verdict], with consumer: any MessageConsumer
    ) throws(BusError) {
        let done = zip(deliveries, verdicts).filter { $0.1 == .done }.map(\.0)
        if !done.isEmpty {
            try consumer.ack(done)
            CrashPoint.reach(handler.crashPoints.afterAck)
        }
        for (delivery, verdict) in zip(deliveries, verdicts) {
            switch verdict {
            case .done, .away: continue
            case .poison(let reason): try bury(delivery, reason: reason, with: consumer)
            case .failed(let reason): try retryOrBury(delivery, reason: reason, with: consumer)
            }
        }
    }

    private func retryOrBury(
        _ delivery: Delivery, reason: String, with consumer: any MessageConsumer
    ) throws(BusError) {
        let delay = limits.retryPolicy.delay(
            afterRetries: delivery.retryCount, random: random)
        guard let delay else {
            return try bury(
                delivery, reason: "after \(delivery.retryCount) retries: \(reason)",
                with: consumer)
        }
        try consumer.retry(delivery, after: delay)
        counters.retries.add(1)
        log.warning(
            "message will be retried",
            [
                .string("queue", queue), .integer("retry", delivery.retryCount + 1),
                .integer("delay_ms", delay.milliseconds), .reason(reason),
                .correlation(delivery.correlationHeader),
            ])
    }

    /// What no handler is to see.
    private func buryDefective(with consumer: any MessageConsumer) throws(BusError) {
        for delivery in held {
            guard let defect = delivery.defect else { continue }
            try bury(delivery, reason: defect, with: consumer)
        }
        held.removeAll { $0.defect != nil }
    }

    private func bury(
        _ delivery: Delivery, reason: String, with consumer: any MessageConsumer
    ) throws(BusError) {
        try consumer.deadLetter(delivery, reason: reason)
        counters.deadLetters.add(1)
        log.error(
            "message is a dead letter",
            [
                .string("queue", queue), .reason(reason),
                .correlation(delivery.correlationHeader),
            ])
    }
}

extension Delivery {
    /// What the sender wrote, for logs only; the body decides.
    fileprivate var correlationHeader: String { headers["x-correlation-id"] ?? "" }
}
