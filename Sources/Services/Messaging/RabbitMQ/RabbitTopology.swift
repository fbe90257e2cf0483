// RabbitTopology: which queues there are, and how messages move between them.
//
//   order.accepted ──▶ consumer ─ ack
//        ▲                ├─ retry ─▶ order.accepted.retry.1 … 5 ─┐  x-message-ttl 1, 2, 4, 8, 16 s
//        │                └─ dead letter ─▶ order.accepted.dlq    │
//        └────────────────── dead-lettered by the broker ◀────────┘
//
// The work queues are declared as the .NET services do it, durable and without arguments: any
// argument more would be refused with 406 by whichever side comes second.
//
// Thread: a pure value.  Source: RabbitMQ "Time-To-Live", "Dead Letter Exchanges", "Quorum Queues".

import Loop

struct RabbitTopology: Sendable {
    struct Queue {
        let name: String
        let arguments: [(String, AMQPValue)]
    }

    private let settings: RabbitSettings

    init(_ settings: RabbitSettings) { self.settings = settings }

    static func deadLetters(of queue: String) -> String { queue + ".dlq" }

    /// - Parameter number: from 1.
    static func retryQueue(_ number: Int, of queue: String) -> String { "\(queue).retry.\(number)" }

    /// Where a message waits for about this long; nil for queues that have no retry queues.
    func retryQueue(of queue: String, after delay: Duration) -> String? {
        guard settings.queues.contains(queue), !settings.retryDelays.isEmpty else { return nil }
        let position = settings.retryDelays.lastIndex { $0 <= delay } ?? 0
        return Self.retryQueue(position + 1, of: queue)
    }

    /// Everything whose messages count as waiting in this queue.
    func queuesCounted(for queue: String) -> [String] {
        guard settings.queues.contains(queue) else { return [queue] }
        return [queue] + settings.retryDelays.indices.map { Self.retryQueue($0 + 1, of: queue) }
    }

    /// All queues, in the order in which they are declared: a retry queue after its target.
    var queues: [Queue] {
        let kind: [(String, AMQPValue)] =
            settings.usesQuorumQueues ? [("x-queue-type", .text("quorum"))] : []
        var queues: [Queue] = []
        for name in settings.queues {
            queues.append(Queue(name: name, arguments: kind))
            queues.append(Queue(name: Self.deadLetters(of: name), arguments: kind))
            for (index, delay) in settings.retryDelays.enumerated() {
                var arguments: [(String, AMQPValue)] = [
                    ("x-message-ttl", .integer(Int32(clamping: delay.milliseconds))),
                    ("x-dead-letter-exchange", .text("")),
                    ("x-dead-letter-routing-key", .text(name)),
                ]
                if settings.usesQuorumQueues {
                    // The broker hands an expired message on with a confirm of its own; classic
                    // queues cannot.
                    arguments += [
                        ("x-dead-letter-strategy", .text("at-least-once")),
                        ("x-overflow", .text("reject-publish")),
                    ]
                }
                queues.append(
                    Queue(
                        name: Self.retryQueue(index + 1, of: name), arguments: kind + arguments))
            }
        }
        return queues
    }
}
