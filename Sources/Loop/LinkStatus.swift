// LinkStatus: whether a dependency is there, and since when it is not.
//
//   down (start) ──▶ up ◀──▶ down since t
//
// Written by whoever holds the link, read by readiness: a pod that has been cut off from something it
// needs for longer than the grace time should get no new clients.
//
// Thread: any.  Allocates: never.

import Synchronization

public final class LinkStatus: Sendable {
    /// What the link leads to, as an operator calls it: "redis", "rabbitmq", "postgres".
    public let name: StaticString
    /// The monotonic nanosecond of the outage's begin; 0 while the link is up.
    private let downSince: Atomic<UInt64>
    /// Times the link has been lost.
    public let lossCount = Atomic<Int>(0)

    public init(name: StaticString, time: any TimeSource = SystemTime()) {
        self.name = name
        downSince = Atomic(max(1, time.monotonicNow.nanoseconds))
    }

    public var isUp: Bool { downSince.load(ordering: .relaxed) == 0 }

    public func wentUp() { downSince.store(0, ordering: .relaxed) }

    /// Keeps the begin of an outage that goes on.
    public func wentDown(at now: MonotonicInstant) {
        let exchange = downSince.compareExchange(
            expected: 0, desired: max(1, now.nanoseconds), ordering: .relaxed)
        if exchange.exchanged { lossCount.add(1, ordering: .relaxed) }
    }

    /// How long the link has been down; zero while it is up.
    public func outage(at now: MonotonicInstant) -> Duration {
        let since = downSince.load(ordering: .relaxed)
        return since == 0 ? .zero : MonotonicInstant(nanoseconds: since).duration(to: now)
    }
}
