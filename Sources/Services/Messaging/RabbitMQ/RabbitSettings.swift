// RabbitSettings: the limits of the RabbitMQ bus.
//
// Thread: a pure value.

import Loop

public struct RabbitSettings: Sendable {
    /// The work queues; each gets its retry queues and its dead-letter queue.
    public var queues: [String]
    /// One `<queue>.retry.<n>` per entry, shortest first. A retry waits in the last one that is not
    /// longer than its delay.
    public var retryDelays: [Duration] = RetryPolicy().delays
    /// Declares queues as quorum queues, for brokers of several nodes. The .NET services declare
    /// theirs as classic ones and cannot share quorum queues (406 PRECONDITION_FAILED).
    public var usesQuorumQueues = false
    /// False: queues are only checked; an operator has made them, and the user needs no right to
    /// configure.
    public var declaresQueues = true
    /// Messages on their way to one consumer or unsettled there, 1...65,535. With
    /// `bodyByteCountMax` it bounds a consumer's memory.
    public var windowCount: UInt16 = 256
    /// Bytes of a received body. What is longer goes to the dead letters, cut to this length.
    public var bodyByteCountMax = 16 * 1024 * 1024
    /// For each blocking call.
    public var callTimeout: Duration = .seconds(5)
    /// Name look-up, TCP and TLS together, per host.
    public var dialTimeout: Duration = .seconds(5)
    /// From the TCP connection to the last queue declared.
    public var openTimeout: Duration = .seconds(10)

    public init(queues: [String]) { self.queues = queues }
}
