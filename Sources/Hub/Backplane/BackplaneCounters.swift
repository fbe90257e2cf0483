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

    /// Questions to clients of other pods.
    public let questionsAsked = Atomic<Int>(0)
    /// Those that the client has answered, with a result or an error.
    public let questionsAnswered = Atomic<Int>(0)
    /// Those that nobody could answer: no connection, no pod, no Redis, not readable.
    public let questionsFailed = Atomic<Int>(0)
    /// Requests of polling and event-stream clients handed to other pods, `abandon` among them.
    public let requestsForwarded = Atomic<Int>(0)

    init() {}
}
