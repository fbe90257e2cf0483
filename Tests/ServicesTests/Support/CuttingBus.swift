// CuttingBus: another bus, of whose messages one is marked as not kept whole.

import Loop

@testable import Services

struct CuttingBus: MessageBus {
    let bus: EmbeddedBus
    /// Which of each batch.
    let cut: Int

    var systemName: StaticString { bus.systemName }
    func publish(_ messages: [OutgoingMessage]) throws(BusError) { try bus.publish(messages) }
    func depth(of queue: String) throws(BusError) -> Int { try bus.depth(of: queue) }
    func consumer(of queue: String) throws(BusError) -> any MessageConsumer {
        Consumer(consumer: bus.consumer(of: queue), cut: cut)
    }

    private struct Consumer: MessageConsumer {
        let consumer: any MessageConsumer
        let cut: Int

        func receive(max: Int, wait: Duration) throws(BusError) -> [Delivery] {
            var deliveries = try consumer.receive(max: max, wait: wait)
            if deliveries.indices.contains(cut) { deliveries[cut].defect = "cut" }
            return deliveries
        }
        var wake: @Sendable () -> Void { consumer.wake }
        func ack(_ deliveries: [Delivery]) throws(BusError) { try consumer.ack(deliveries) }
        func retry(_ delivery: Delivery, after delay: Duration) throws(BusError) {
            try consumer.retry(delivery, after: delay)
        }
        func deadLetter(_ delivery: Delivery, reason: String) throws(BusError) {
            try consumer.deadLetter(delivery, reason: reason)
        }
    }
}
