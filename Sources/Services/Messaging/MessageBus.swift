// MessageBus: at-least-once delivery between the services, and what it promises.
//
//   publish ──▶ queue ──▶ receive ──▶ ack                    done
//                 ▲           ├─────▶ retry(after:) ─┐       x-retry-count + 1
//                 └───────────┼──────────────────────┘
//                             └─────▶ deadLetter             <queue>.dlq
//
// Calls block; they belong to worker threads. Engines: embedded (SQLite) and RabbitMQ.
//
// Thread: any worker thread; one consumer is used by one thread.

import Loop

/// The broker could not do it; nothing is known to be lost and the call may be repeated.
public struct BusError: Error, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
}

public struct OutgoingMessage: Equatable, Sendable {
    public var queue: String
    public var body: [UInt8]
    /// `x-correlation-id`, `traceparent` and their like.
    public var headers: [String: String]
    public init(queue: String, body: [UInt8], headers: [String: String]) {
        self.queue = queue
        self.body = body
        self.headers = headers
    }
}

public struct Delivery: Sendable {
    /// The bus's own name for this delivery; good for one ack, retry or deadLetter.
    public var tag: Int64
    public var queue: String
    public var body: [UInt8]
    public var headers: [String: String]
    /// How often it was retried before: 0 for the first time.
    public var retryCount: Int
    /// Why nobody can work on it, whatever it says: the bus has not kept the whole of it. Nil as a rule.
    public var defect: String?
    public init(
        tag: Int64, queue: String, body: [UInt8], headers: [String: String], retryCount: Int,
        defect: String? = nil
    ) {
        self.tag = tag
        self.queue = queue
        self.body = body
        self.headers = headers
        self.retryCount = retryCount
        self.defect = defect
    }
}

public protocol MessageBus: Sendable {
    /// The broker's name in the semantic conventions of OpenTelemetry.
    var systemName: StaticString { get }
    /// Returns after the broker holds all of them durably, or throws and may have kept some.
    func publish(_ messages: [OutgoingMessage]) throws(BusError)
    func consumer(of queue: String) throws(BusError) -> any MessageConsumer
    /// Messages that wait in a queue, delayed ones included; for health and metrics.
    func depth(of queue: String) throws(BusError) -> Int
}

extension MessageBus {
    public var systemName: StaticString { "embedded" }
}

public protocol MessageConsumer {
    /// Up to `max` deliveries. Waits at most `wait` for the first one; an empty array after that.
    func receive(max: Int, wait: Duration) throws(BusError) -> [Delivery]
    /// Ends the wait of `receive`, now and in every later call. May be called on any thread.
    var wake: @Sendable () -> Void { get }
    func ack(_ deliveries: [Delivery]) throws(BusError)
    /// Gives the message back for a later try.
    func retry(_ delivery: Delivery, after delay: Duration) throws(BusError)
    /// Moves it to the queue's dead-letter queue with a reason.
    func deadLetter(_ delivery: Delivery, reason: String) throws(BusError)
}
