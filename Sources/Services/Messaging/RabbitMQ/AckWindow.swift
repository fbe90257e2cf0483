// AckWindow: turns settled deliveries into as few acks as possible.
//
//       settled         │ floor + 1 … some settled, some not … │  not delivered yet
//   ────────────────────┴──────────────────────────────────────┴──────────────────▶ delivery tags
//                     floor
//
// An ack with `multiple` settles everything up to its tag. It may only name a tag that is not
// settled yet: for any other the broker closes the channel.
//
// Thread: one loop.  Allocates: while acks come out of order.
// Source: AMQP 0-9-1 basic.ack; RabbitMQ "Consumer acknowledgements".

struct AckWindow {
    struct Ack: Equatable {
        let tag: UInt64
        let isMultiple: Bool
    }

    /// Everything up to here is settled. Tags of a channel count from 1.
    private var floor: UInt64 = 0
    private var settledAbove: Set<UInt64> = []

    /// The acks for these deliveries; what was settled before is left out.
    mutating func settle(_ tags: [UInt64]) -> [Ack] {
        let new = tags.filter { $0 > floor && settledAbove.insert($0).inserted }
        while settledAbove.remove(floor + 1) != nil { floor += 1 }
        var acks: [Ack] = []
        if let last = new.filter({ $0 <= floor }).max() {
            acks.append(Ack(tag: last, isMultiple: true))
        }
        for tag in new where tag > floor { acks.append(Ack(tag: tag, isMultiple: false)) }
        return acks
    }
}
