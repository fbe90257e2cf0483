// AMQPContent: puts a message together from its frames.
//
//   none ─ Deliver, Return ─▶ awaitingHeader ─ header ─▶ collecting ─ body frames ─▶ finished ─▶ none
//
// Thread: one loop.  Allocates: the message.  Source: AMQP 0-9-1 §4.2.6.

enum AMQPContent {
    enum Method {
        case deliver(tag: UInt64)
        case returned(queue: String, AMQPClose)
    }
    case none
    case awaitingHeader(Method)
    /// `left`: bytes that are still to come.
    case collecting(AMQPDelivery, left: UInt64)
    /// A returned message: we have the original.
    case skipping(queue: String, AMQPClose, left: UInt64)

    /// One body frame.
    ///
    /// - Parameter byteCountMax: of the body that is kept; what comes after it is dropped.
    mutating func append(
        _ fragment: UnsafeRawBufferPointer, byteCountMax: Int
    ) throws(AMQPError) {
        let size = UInt64(fragment.count)
        let current = self
        // While it grows the body must have one owner, or every frame would copy it.
        self = .none
        switch consume current {
        case .collecting(var delivery, let left):
            guard size <= left else { throw .malformed("a body longer than its header says") }
            let room = max(0, byteCountMax - delivery.body.count)
            delivery.body += UnsafeRawBufferPointer(rebasing: fragment.prefix(room))
            self = .collecting(delivery, left: left - size)
        case .skipping(let queue, let reason, let left):
            guard size <= left else { throw .malformed("a body longer than its header says") }
            self = .skipping(queue: queue, reason, left: left - size)
        case .none, .awaitingHeader: throw .malformed("a body without a header")
        }
    }

    /// The event of a message that is complete.
    mutating func takeFinished(on channel: UInt16) -> AMQPEvent? {
        switch self {
        case .collecting(let delivery, left: 0):
            self = .none
            return .delivered(channel, delivery)
        case .skipping(let queue, let reason, left: 0):
            self = .none
            return .returned(channel, queue: queue, reason)
        case .none, .awaitingHeader, .collecting, .skipping: return nil
        }
    }
}
