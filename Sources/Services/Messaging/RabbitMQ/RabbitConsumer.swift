// RabbitConsumer: one worker's consumer of one queue.
//
//   receive ◀─ feed ◀─ loop ◀─ broker
//      ├─ ack ─────────────────────────────────────▶ loop ─▶ broker
//      ├─ retry ─▶ <queue>.retry.<n>, confirmed ─ then ack
//      └─ dead letter ─▶ <queue>.dlq, confirmed ─ then ack
//
// A copy is confirmed before its original is acked: what falls between the two comes twice, never
// not at all. An ack gets no answer; one that is lost with the connection makes the message come
// again.
//
// Thread: one worker thread.  Allocates: per message.

import Loop

final class RabbitConsumer: MessageConsumer {
    /// Bytes of a reason in a header.
    private static let reasonByteCountMax = 1024

    /// The flags of an empty set.
    private static let noProperties: [UInt8] = [0, 0]

    private let feed: ConsumerFeed
    private let bus: RabbitBus
    private let arena = AMQPArena()
    /// The properties of what is received and not settled, as the sender encoded them.
    private var unsettled: [Int64: [UInt8]] = [:]

    init(feed: ConsumerFeed, bus: RabbitBus) {
        self.feed = feed
        self.bus = bus
    }

    deinit { bus.close(feed) }

    func receive(max: Int, wait: Duration) throws(BusError) -> [Delivery] {
        precondition(max > 0)
        let arrived = try feed.take(max: max, wait: wait)
        return arrived.map { message in
            let delivery = Delivery(
                tag: feed.name(ofTag: message.tag), queue: feed.queue, body: message.body,
                headers: message.headers, retryCount: message.retryCount,
                defect: message.isCut
                    ? "body of \(message.bodyByteCount) bytes; cut to the first "
                        + "\(message.body.count)" : nil)
            unsettled[delivery.tag] = message.properties
            return delivery
        }
    }

    var wake: @Sendable () -> Void { { [feed] in feed.wake() } }

    func ack(_ deliveries: [Delivery]) throws(BusError) {
        try checkAlive()
        for delivery in deliveries where unsettled.removeValue(forKey: delivery.tag) == nil {
            throw notOurs
        }
        try bus.settle(deliveries.map { feed.tag(ofName: $0.tag) }, of: feed)
    }

    func retry(_ delivery: Delivery, after delay: Duration) throws(BusError) {
        let count = Int32(clamping: delivery.retryCount + 1)
        try move(
            delivery, to: try bus.retryQueue(of: feed.queue, after: delay),
            setting: (AMQPProperties.retryCountHeader, .integer(count)))
    }

    func deadLetter(_ delivery: Delivery, reason: String) throws(BusError) {
        let reason = String(decoding: reason.utf8.prefix(Self.reasonByteCountMax), as: UTF8.self)
        try move(
            delivery, to: RabbitTopology.deadLetters(of: feed.queue),
            setting: (AMQPProperties.deathReasonHeader, .text(reason)))
    }

    /// A confirmed copy, then the ack.
    private func move(
        _ delivery: Delivery, to queue: String, setting field: (String, AMQPValue)
    ) throws(BusError) {
        try checkAlive()
        guard let received = unsettled[delivery.tag] else {
            throw notOurs
        }
        // Headers that leave no room for one more are the sender's nonsense; the body goes on.
        let properties =
            AMQPProperties.encode(received, setting: [field], arena: arena)
            ?? AMQPProperties.encode(Self.noProperties, setting: [field], arena: arena)!
        try bus.publish(AMQPMessage(queue: queue, properties: properties, body: delivery.body))
        try ack([delivery])
    }

    private var notOurs: BusError {
        BusError(
            reason: "a delivery of queue \(feed.queue) that this consumer has settled already or "
                + "never had")
    }

    /// Deliveries of a channel that is gone are the broker's again.
    private func checkAlive() throws(BusError) {
        if let failure = feed.failure { throw BusError(reason: failure) }
    }
}
