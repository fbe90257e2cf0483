// EventToken: names one connection of one loop, and becomes harmless when the connection is gone.
//
//    63            32 31             0
//   +----------------+----------------+
//   |   generation   |   slot index   |     what epoll hands back with each event
//   +----------------+----------------+
//
// A slot's generation grows by one each time the slot is freed, so an event, a timer or a reply
// from a worker that still carries the old one finds nobody and is dropped.
//
// Thread: a pure value, any thread.  Allocates: never.  Source: man 2 epoll_ctl (epoll_data).

/// Slot index and generation in epoll's 64 bits.
public struct EventToken: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(index: UInt32, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(index)
    }

    public var index: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
    public var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
}
