// RabbitPublisher: publishes with confirms, and keeps what is unconfirmed over a reconnect.
//
//   publish ─▶ link ready? ── yes ─▶ channel 1 ─▶ ledger ─ confirmed ─▶ reply
//                  │ no                 ▲            │ link lost
//                  └────▶ pending ──────┴────────────┘
//
// While the broker blocks publishers (memory or disk alarm) calls fail at once: it reads nothing
// from our socket, and nobody knows for how long.
//
// Thread: one loop.  Allocates: per call.
// Source: RabbitMQ "Publisher confirms", "Blocked connection notifications".

import Loop

/// How many messages wait in some queues.
struct DepthRequest: Sendable {
    let queues: [String]
    let reply = RabbitReply<Int>()
}

/// Waits for the link at start-up.
struct ConnectRequest: Sendable {
    /// Nil: the link is ready. Else the refusal.
    let reply = RabbitReply<RabbitFailure?>()
    /// Why it is not there yet.
    let obstacle = Monitor(RabbitFailure?.none)
}

final class RabbitPublisher {
    private static let publishChannel = RabbitLink.firstChannel
    private static let depthChannel: UInt16 = 2

    private struct Depth {
        let request: DepthRequest
        var answersLeft: Int
        var sum = 0
    }

    private let link: RabbitLink
    private var ledger = ConfirmLedger()
    /// For when the link is ready.
    private var pending: [ConfirmLedger.Entry] = []
    private var depths: [Depth] = []
    private var waitingDepths: [DepthRequest] = []
    private var waitingConnects: [ConnectRequest] = []
    private var blockedReason: String?

    init(link: RabbitLink) {
        self.link = link
        link.onReady = { [unowned self] in becameReady() }
        link.onEvent = { [unowned self] in handle($0) }
        link.onDown = { [unowned self] in wentDown($0) }
    }

    /// Answered when the link is ready, or refused.
    func connect(_ request: ConnectRequest) {
        if link.isReady { return request.reply.give(.success(nil)) }
        waitingConnects.append(request)
        if let failure = link.lastFailure { hinder(failure) }
    }

    private func hinder(_ failure: RabbitFailure) {
        for request in waitingConnects {
            request.obstacle.update { $0 = failure }
            if failure.isRefusal { request.reply.give(.success(failure)) }
        }
        waitingConnects.removeAll { !$0.reply.isAwaited }
    }

    // MARK: Publishing

    func publish(_ request: PublishRequest) {
        if let blockedReason { return request.reply.fail(blockedReason) }
        if let failure = link.lastFailure, failure.isRefusal {
            return request.reply.fail(failure.reason)
        }
        let batch = PublishBatch(request)
        let entries = request.messages.indices.map { ConfirmLedger.Entry(batch: batch, index: $0) }
        if link.isReady {
            send(entries)
        } else {
            // Callers come back with the same messages as long as the broker is away.
            pending.removeAll { !$0.batch.request.reply.isAwaited }
            pending += entries
        }
    }

    private func send(_ entries: [ConfirmLedger.Entry]) {
        for entry in entries {
            guard link.session.canPublish(entry.message) else {
                entry.batch.request.reply.fail(
                    "the headers of a message for queue \(entry.message.queue) are too large for "
                        + "RabbitMQ at \(link.hostText)")
                continue
            }
            link.session.publish(entry.message, on: Self.publishChannel)
            ledger.add(entry)
        }
        link.flush()
    }

    private func becameReady() {
        for request in waitingConnects { request.reply.give(.success(nil)) }
        waitingConnects = []
        link.session.selectConfirms(on: Self.publishChannel)
        let entries = pending.filter { $0.batch.request.reply.isAwaited }
        pending = []
        send(entries)
        let depths = waitingDepths
        waitingDepths = []
        for request in depths { depth(request) }
    }

    private func wentDown(_ failure: RabbitFailure) {
        hinder(failure)
        blockedReason = nil
        pending = (ledger.unconfirmed + pending).filter { $0.batch.request.reply.isAwaited }
        ledger.removeAll()
        if failure.isRefusal {
            for entry in pending { entry.batch.request.reply.fail(failure.reason) }
            pending = []
        }
        for depth in depths { depth.request.reply.fail(failure.reason) }
        for request in waitingDepths { request.reply.fail(failure.reason) }
        depths = []
        waitingDepths = []
    }

    // MARK: Events

    private func handle(_ event: AMQPEvent) {
        switch event {
        case .confirmed(Self.publishChannel, let tag, let isMultiple, let isAccepted):
            let refusal = isAccepted ? nil : "RabbitMQ at \(link.hostText) could not keep a message"
            if !ledger.confirm(tag, isMultiple: isMultiple, failure: refusal) {
                link.cut("confirmed message \(tag), which was never published")
            }
        case .returned(_, let queue, let reason):
            ledger.returned(
                queue: queue,
                failure: "RabbitMQ at \(link.hostText) has no queue \(queue): \(reason.text)")
        case .blocked(let reason): blocked(reason)
        case .unblocked: blockedReason = nil
        case .declared(Self.depthChannel, _, let messageCount): counted(messageCount)
        case .channelClosed(Self.depthChannel, let close): depthFailed(close)
        default: return
        }
    }

    private func blocked(_ reason: String) {
        let text = "RabbitMQ at \(link.hostText) takes no messages: \(reason)"
        blockedReason = text
        for entry in ledger.unconfirmed + pending { entry.batch.request.reply.fail(text) }
        pending = []
    }

    // MARK: Depth

    func depth(_ request: DepthRequest) {
        guard link.isReady else {
            if let failure = link.lastFailure { return request.reply.fail(failure.reason) }
            return waitingDepths.append(request)
        }
        if link.session.channels[Self.depthChannel] == nil {
            link.session.openChannel(Self.depthChannel)
        }
        for queue in request.queues {
            link.session.declare(queue, arguments: [], isPassive: true, on: Self.depthChannel)
        }
        depths.append(Depth(request: request, answersLeft: request.queues.count))
        link.flush()
    }

    private func counted(_ messageCount: Int) {
        guard !depths.isEmpty else { return }
        depths[0].sum += messageCount
        depths[0].answersLeft -= 1
        if depths[0].answersLeft == 0 {
            let depth = depths.removeFirst()
            depth.request.reply.give(.success(depth.sum))
        }
    }

    /// The broker closes the channel of a question about a queue that is not there; the questions
    /// behind it are lost with it.
    private func depthFailed(_ close: AMQPClose) {
        guard !depths.isEmpty else { return }
        let failed = depths.removeFirst()
        failed.request.reply.fail(
            "RabbitMQ at \(link.hostText) cannot count queue "
                + "\(failed.request.queues[0]): \(close.text)")
        let lost = depths
        depths = []
        for depth in lost { self.depth(depth.request) }
    }
}

@available(*, unavailable)
extension RabbitPublisher: Sendable {}
