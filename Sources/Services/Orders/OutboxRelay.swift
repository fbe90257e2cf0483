// OutboxRelay: moves events from the outbox to the bus, at least once and in order.
//
//   wake or 1 s ──▶ read ──▶ publish ──▶ broker confirms ──▶ mark ──▶ read …
//                               └── bus away: pause, then the same rows again
//
// A row is marked only after the confirm. What falls between the two is published again, and the
// consumers expect that.
//
// Thread: one.  Allocates: per batch.

import Loop
import WS

public final class OutboxRelay: SteppedRole {
    /// Rows per publish.
    public static let batchCountMax = 256

    private let store: any OrderStore
    private let bus: any MessageBus
    private let signal: WakeSignal
    private let random: any RandomSource
    private let counters: OrderCounters
    private let tracer: Tracer
    private let log = Log("relay")
    private var backoff = Backoff()

    /// - Parameter signal: woken by whoever has committed outbox rows. The wait's end is the backstop
    ///   for rows that a process left behind when it died before its wake.
    public init(
        store: any OrderStore, bus: any MessageBus, signal: WakeSignal,
        random: any RandomSource = SystemRandom(), counters: OrderCounters = OrderCounters(),
        tracer: Tracer = .off
    ) {
        self.store = store
        self.bus = bus
        self.signal = signal
        self.random = random
        self.counters = counters
        self.tracer = tracer
    }

    public func step(wait: Duration) -> StepOutcome {
        do throws(StoreError) {
            var rows = try store.outbox(limit: Self.batchCountMax)
            if rows.isEmpty {
                signal.wait(atMost: wait)
                rows = try store.outbox(limit: Self.batchCountMax)
            }
            if rows.isEmpty { return .idle }
            CrashPoint.reach(.relayBeforePublish)
            do { try publish(rows) } catch {
                counters.publishFailures.add(1)
                return pause("bus away", error.reason)
            }
            CrashPoint.reach(.relayAfterConfirm)
            try store.markPublished(rows.map(\.id))
            counters.published.add(rows.count)
            backoff.reset()
            return .worked(rows.count)
        } catch {
            return pause("store away", error.reason)
        }
    }

    public var wake: @Sendable () -> Void { { [signal] in signal.wake() } }

    /// What was committed last goes out too. More than a batch, or what the bus does not take, is
    /// published by another process, or by this one after its next start.
    public func finish() { _ = step(wait: .zero) }

    private func publish(_ rows: [OutboxRow]) throws(BusError) {
        let spans = SpanBatch(tracer, rows) { row in
            tracer.beginSend(row.queue, bus, row.correlation, under: row.traceparent)
        }
        let messages = rows.enumerated().map { position, row in
            row.message(traceparent: spans.traceparent(position, else: row.traceparent))
        }
        // Even of a publish that failed: the broker may have the message, and with it this parent.
        do { try bus.publish(messages) } catch {
            spans.end(tracer, error: error.reason)
            throw error
        }
        spans.end(tracer)
    }

    private func pause(_ message: StaticString, _ reason: String) -> StepOutcome {
        let pause = backoff.next(random: random)
        log.warning(message, [.reason(reason), .integer("pause_ms", pause.milliseconds)])
        return .paused(pause)
    }
}

extension OutboxRow {
    /// With the headers that carry trace and correlation to the consumer.
    func message(traceparent: String?) -> OutgoingMessage {
        var headers = [
            "x-correlation-id": correlation.description,
            "baggage": "correlation_id=\(correlation)",
        ]
        headers["traceparent"] = traceparent
        return OutgoingMessage(queue: queue, body: body, headers: headers)
    }
}
