// OutboundRule: how much may wait for a connection, and what happens to one that does not keep up.
//
//   close         what waits goes, the handler says its last words ─▶ closed, or reset if nothing gets through
//   dropOldest    the oldest droppable payloads go, the connection stays
//   coalesce      of two payloads about the same subject only the newer waits; beyond the bound: close
//
// Thread: pure values.

/// What happens to a connection whose output is stuck.
public enum SlowConsumerPolicy: String, Sendable, CaseIterable {
    case close
    case dropOldest = "drop-oldest"
    /// A payload about nothing is never lost silently: there, and where superseding is not enough, the
    /// connection ends as with `close`.
    case coalesce
}

/// Of the connections of one kind; made known to a loop with `Reactor.add`.
public struct OutboundRule: Equatable, Sendable {
    /// Queued bytes of one connection. A larger message passes on an empty queue.
    public var byteCountMax: Int
    public var policy: SlowConsumerPolicy

    public init(byteCountMax: Int, policy: SlowConsumerPolicy) {
        self.byteCountMax = byteCountMax
        self.policy = policy
    }

    /// Its name on one loop.
    public struct Number: Equatable, Sendable {
        /// 0 is no rule: `Limits.outboundByteCountMax`, and a reset.
        let rawValue: UInt8
    }
}
