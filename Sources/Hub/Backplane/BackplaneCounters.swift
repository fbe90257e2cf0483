// BackplaneCounters: what one backplane has counted since the process began.
//
// Thread: written by the links' loop, read by any.  Allocates: once.

import Synchronization

public final class BackplaneCounters: Sendable {
    /// Messages that Redis has taken, one per channel.
    public let published = Atomic<Int>(0)
    /// Messages that Redis has not taken, or not said so in time.
    public let publishFailed = Atomic<Int>(0)
    /// Messages that came, our own among them.
    public let received = Atomic<Int>(0)
    /// Our own that came back and were dropped.
    public let echoesDropped = Atomic<Int>(0)
    /// Messages of others that were no envelope.
    public let malformedDropped = Atomic<Int>(0)
    /// Gaps in which messages of others may have been lost.
    public let gaps = Atomic<Int>(0)

    init() {}
}
