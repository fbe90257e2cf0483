// RabbitConsumers: the loop's side of all consumers, one channel each.
//
//   consume ─▶ link ready? ── yes ─▶ channel n: Qos, Consume ─▶ deliveries ─▶ feed
//                  │ no        ▲                                 acks ◀─ AckWindow ◀─ settle
//                  └─ waiting ─┘
//   channel closed, consumer cancelled, link lost ─▶ the feed fails; its worker makes a new one
//
// Thread: one loop.  Allocates: per portion of deliveries.
// Source: RabbitMQ "Consumer prefetch", "Consumer cancel notification".

import Loop

final class RabbitConsumers {
    private struct Consumer {
        let feed: ConsumerFeed
        var acks = AckWindow()
        /// Of this portion of input; handed over in one go.
        var arrived: [AMQPDelivery] = []
    }

    private let link: RabbitLink
    private let windowCount: UInt16
    private var consumers: [UInt16: Consumer] = [:]
    private var waiting: [ConsumerFeed] = []
    /// Channels whose `arrived` is not empty.
    private var touched: [UInt16] = []

    init(link: RabbitLink, windowCount: UInt16) {
        self.link = link
        self.windowCount = windowCount
        link.onReady = { [unowned self] in becameReady() }
        link.onEvent = { [unowned self] in handle($0) }
        link.onEventsEnd = { [unowned self] in handOver() }
        link.onDown = { [unowned self] in wentDown($0) }
    }

    // MARK: From the workers

    func consume(_ feed: ConsumerFeed) {
        link.start()
        guard link.isReady else {
            if let failure = link.lastFailure { return feed.fail(failure.reason) }
            return waiting.append(feed)
        }
        var channel = RabbitLink.firstChannel + 1
        while link.session.channels[channel] != nil { channel += 1 }
        consumers[channel] = Consumer(feed: feed)
        link.session.openChannel(channel)
        link.session.consume(feed.queue, window: windowCount, on: channel)
        link.flush()
    }

    func settle(_ tags: [UInt64], of feed: ConsumerFeed) {
        guard let channel = channel(of: feed) else { return }
        for ack in consumers[channel]!.acks.settle(tags) {
            link.session.ack(ack.tag, isMultiple: ack.isMultiple, on: channel)
        }
        link.flush()
    }

    /// What the consumer holds goes back to the queue at once.
    func close(_ feed: ConsumerFeed) {
        waiting.removeAll { $0 === feed }
        guard let channel = channel(of: feed) else { return }
        consumers[channel] = nil
        link.session.closeChannel(channel)
        link.flush()
    }

    private func channel(of feed: ConsumerFeed) -> UInt16? {
        consumers.first { $0.value.feed === feed }?.key
    }

    // MARK: From the link

    private func becameReady() {
        let feeds = waiting
        waiting = []
        for feed in feeds { consume(feed) }
    }

    private func wentDown(_ failure: RabbitFailure) {
        for consumer in consumers.values { consumer.feed.fail(failure.reason) }
        for feed in waiting { feed.fail(failure.reason) }
        consumers = [:]
        waiting = []
        touched = []
    }

    private func handle(_ event: AMQPEvent) {
        switch event {
        case .consuming(let channel): consumers[channel]?.feed.started()
        case .delivered(let channel, let delivery):
            if consumers[channel]?.arrived.isEmpty == true { touched.append(channel) }
            consumers[channel]?.arrived.append(delivery)
        case .cancelled(let channel):
            lost(channel, "the broker ended the consumer")
            link.session.closeChannel(channel)
        case .channelClosed(let channel, let close): lost(channel, close.text)
        default: return
        }
    }

    private func lost(_ channel: UInt16, _ reason: String) {
        guard let consumer = consumers.removeValue(forKey: channel) else { return }
        consumer.feed.fail(
            "RabbitMQ at \(link.hostText), queue \(consumer.feed.queue): \(reason)")
    }

    private func handOver() {
        for channel in touched {
            guard let consumer = consumers[channel] else { continue }
            consumer.feed.deliver(consumer.arrived)
            consumers[channel]?.arrived = []
        }
        touched.removeAll(keepingCapacity: true)
    }
}

@available(*, unavailable)
extension RabbitConsumers: Sendable {}
