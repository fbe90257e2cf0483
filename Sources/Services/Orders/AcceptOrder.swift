// AcceptOrder: turns drafts into committed orders.
//
//   draft ──▶ prepare ──▶ AcceptRequest ─┐
//   draft ──▶ prepare ──▶ AcceptRequest ─┼─▶ commit (one transaction) ──▶ state, relay ──▶ outcomes
//   draft ──▶ errors (400)               │
//
// After the commit nothing can fail the request any more: the workflow state is best effort and the
// event already stands in the outbox.
//
// Thread: prepare on any; commit on a worker thread, because it blocks.  Allocates: the results.

import Loop
import WS

public struct AcceptOrder: Sendable {
    private let store: any OrderStore
    private let state: any WorkflowState
    private let relay: WakeSignal
    private let limits: OrderLimits
    private let clock: any TimeSource
    private let random: any RandomSource
    private let counters: OrderCounters
    private let tracer: Tracer
    private let log = Log("accept")

    /// - Parameter relay: woken when order.accepted stands in the outbox.
    public init(
        store: any OrderStore, state: any WorkflowState, relay: WakeSignal,
        limits: OrderLimits = OrderLimits(), clock: any TimeSource = SystemTime(),
        random: any RandomSource = SystemRandom(), counters: OrderCounters = OrderCounters(),
        tracer: Tracer = .off
    ) {
        self.store = store
        self.state = state
        self.relay = relay
        self.limits = limits
        self.clock = clock
        self.random = random
        self.counters = counters
        self.tracer = tracer
    }

    /// Checks a draft and gives it a correlation id.
    ///
    /// - Parameters:
    ///   - user: the subject of the token, verbatim.
    ///   - idempotencyKey: the header's value; nil without the header.
    public func prepare(
        _ draft: OrderDraft, user: String, idempotencyKey: String?, traceparent: String?
    ) throws(ValidationErrors) -> AcceptRequest {
        let lines = try draft.validated(limits)
        var errors = ValidationErrors()
        if user.utf16.count > limits.userCountMax {
            errors.add("sub", "The subject must not exceed \(limits.userCountMax) characters.")
        }
        if let idempotencyKey, !isValid(key: idempotencyKey) {
            errors.add(
                "Idempotency-Key",
                "Idempotency-Key must be 1 to \(limits.idempotencyKeyCountMax) visible ASCII "
                    + "characters.")
        }
        if !errors.entries.isEmpty { throw errors }
        let idempotency = idempotencyKey.map {
            AcceptRequest.Idempotency(key: $0, bodyDigest: Self.digest(of: lines))
        }
        return AcceptRequest(
            user: user, lines: lines, correlation: CorrelationID(from: random),
            idempotency: idempotency, acceptedAt: clock.wallNow, traceparent: traceparent)
    }

    /// Commits all requests at once and tells relay and workflow state of the new orders.
    ///
    /// - Returns: one outcome per request, in order.
    public func commit(_ requests: [AcceptRequest]) throws(StoreError) -> [AcceptOutcome] {
        let spans = SpanBatch(tracer, requests) { request in
            tracer.beginCommit(
                "accept", store, request.correlation, under: request.traceparent)
        }
        let outcomes: [AcceptOutcome]
        do { outcomes = try store.accept(requests) } catch {
            spans.end(tracer, error: error.reason)
            throw error
        }
        spans.end(tracer)
        precondition(outcomes.count == requests.count)
        CrashPoint.reach(.acceptAfterCommit)
        counters.acceptCommits.add(1)
        var new: [(correlation: CorrelationID, user: String)] = []
        for (request, outcome) in zip(requests, outcomes) {
            switch outcome {
            case .accepted(let order):
                new.append((request.correlation, request.user))
                log.info(
                    "order accepted",
                    [.correlation(order.correlationID), .integer("order_id", order.id)])
            case .repeated: counters.repeated.add(1)
            case .keyReused, .unknownProducts: break
            }
        }
        if !new.isEmpty {
            counters.accepted.add(new.count)
            // Before the wake: the worker moves a status on only if its key is there.
            do { try state.begin(new) } catch {
                log.warning("workflow state away", [.reason(error.reason)])
            }
            relay.wake()
        }
        CrashPoint.reach(.acceptBeforeReply)
        return outcomes
    }

    private func isValid(key: String) -> Bool {
        (1...limits.idempotencyKeyCountMax).contains(key.utf8.count)
            && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// Of what is ordered and not of the bytes: a client that writes the same order with other blanks
    /// or member order repeats its request.
    private static func digest(of lines: [AcceptRequest.Line]) -> [UInt8] {
        var text: [UInt8] = []
        for line in lines {
            // The length in front keeps any two different orders apart, whatever an id contains.
            text += Array("\(line.productID.utf8.count):\(line.productID)*\(line.quantity);".utf8)
        }
        return SHA256Digest.of(text)
    }
}
