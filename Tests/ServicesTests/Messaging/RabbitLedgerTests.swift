import Loop
import TestSupport
import Testing

@testable import Services

@Suite("ConfirmLedger") struct ConfirmLedgerTests {
    @Test func `a call is answered when its last message is confirmed`() {
        var ledger = ConfirmLedger()
        let (one, two) = (add(2, to: &ledger), add(1, to: &ledger))
        confirm(1, in: &ledger, isMultiple: false, failure: nil)
        #expect(one.isAwaited)
        confirm(2, in: &ledger, isMultiple: false, failure: nil)
        #expect(!one.isAwaited && two.isAwaited)
        #expect(one.wait(atMost: .zero) != nil)
    }

    @Test func `multiple confirms everything up to its tag, whatever came before`() {
        var ledger = ConfirmLedger()
        let replies = (0..<4).map { _ in add(1, to: &ledger) }
        confirm(2, in: &ledger, isMultiple: false, failure: nil)
        confirm(3, in: &ledger, isMultiple: true, failure: nil)
        #expect(replies.map(\.isAwaited) == [false, false, false, true])
        confirm(0, in: &ledger, isMultiple: true, failure: nil)
        #expect(!replies[3].isAwaited && ledger.unconfirmed.isEmpty)
    }

    @Test func `a refused message fails its call once the rest is known, and no other call`() {
        var ledger = ConfirmLedger()
        let (bad, good) = (add(2, to: &ledger), add(1, to: &ledger))
        confirm(1, in: &ledger, isMultiple: false, failure: "refused")
        #expect(bad.isAwaited)
        confirm(3, in: &ledger, isMultiple: true, failure: nil)
        #expect(reason(bad) == "refused")
        #expect(reason(good) == nil && !good.isAwaited)
    }

    @Test func `a return fails every unconfirmed message for that queue`() {
        var ledger = ConfirmLedger()
        let done = add(1, to: &ledger, queue: "a")
        confirm(1, in: &ledger, isMultiple: false, failure: nil)
        let calls = ["a", "b", "a"].map { add(1, to: &ledger, queue: $0) }
        ledger.returned(queue: "a", failure: "no queue")
        confirm(4, in: &ledger, isMultiple: true, failure: nil)
        #expect(calls.map { reason($0) } == ["no queue", nil, "no queue"])
        #expect(reason(done) == nil)
    }

    @Test func `what is unconfirmed comes back in order, and tags begin anew`() {
        var ledger = ConfirmLedger()
        for _ in 0..<5 { _ = add(1, to: &ledger) }
        confirm(1, in: &ledger, isMultiple: true, failure: nil)
        confirm(4, in: &ledger, isMultiple: false, failure: nil)
        #expect(ledger.unconfirmed.count == 3)
        ledger.removeAll()
        let again = add(1, to: &ledger)
        confirm(1, in: &ledger, isMultiple: false, failure: nil)
        #expect(!again.isAwaited)
    }

    @Test func `a confirm of what was never published is noticed, a repeated one is not`() {
        var ledger = ConfirmLedger()
        _ = add(1, to: &ledger)
        confirm(2, in: &ledger, isMultiple: false, failure: nil, isKnown: false)
        confirm(1, in: &ledger, isMultiple: false, failure: nil)
        confirm(1, in: &ledger, isMultiple: false, failure: nil)
        confirm(2, in: &ledger, isMultiple: true, failure: nil, isKnown: false)
    }

    @Test func `thousands in flight, confirmed in odd portions, are all answered`() {
        var ledger = ConfirmLedger()
        let replies = (0..<5000).map { _ in add(1, to: &ledger) }
        for tag in stride(from: UInt64(3), through: 5000, by: 3) {
            confirm(tag, in: &ledger, isMultiple: tag % 2 == 0, failure: nil)
        }
        confirm(5000, in: &ledger, isMultiple: true, failure: nil)
        #expect(!replies.contains { $0.isAwaited })
        #expect(ledger.unconfirmed.isEmpty)
    }

    private func confirm(
        _ tag: UInt64, in ledger: inout ConfirmLedger, isMultiple: Bool, failure: String?,
        isKnown: Bool = true
    ) {
        let wasKnown = ledger.confirm(tag, isMultiple: isMultiple, failure: failure)
        #expect(wasKnown == isKnown)
    }

    private func add(
        _ count: Int, to ledger: inout ConfirmLedger, queue: String = "q"
    ) -> RabbitReply<Void> {
        let message = AMQPMessage(queue: queue, properties: [], body: [])
        let batch = PublishBatch(
            PublishRequest(messages: Array(repeating: message, count: count)))
        for index in 0..<count { ledger.add(ConfirmLedger.Entry(batch: batch, index: index)) }
        return batch.request.reply
    }

    private func reason(_ reply: RabbitReply<Void>) -> String? {
        guard case .failure(let error)? = reply.wait(atMost: .zero) else { return nil }
        return error.reason
    }
}

@Suite("AckWindow") struct AckWindowTests {
    typealias Ack = AckWindow.Ack

    @Test func `a batch in order is one ack`() {
        #expect(acks([1, 2, 3], [5, 4]) == [[multiple(3)], [multiple(5)]])
    }

    @Test func `what is held in between is not acked by others`() {
        // In the end 3 and 4 are settled: naming 4 again would close the channel.
        #expect(
            acks([1, 3, 4], [2], [5]) == [
                [multiple(1), single(3), single(4)], [multiple(2)], [multiple(5)],
            ])
    }

    @Test func `nothing is acked twice`() {
        #expect(
            acks([1, 3], [1, 3, 1], [2, 2]) == [[multiple(1), single(3)], [], [multiple(2)]])
    }

    private func acks(_ batches: [UInt64]...) -> [[Ack]] {
        var window = AckWindow()
        return batches.map { window.settle($0) }
    }

    private func multiple(_ tag: UInt64) -> Ack { Ack(tag: tag, isMultiple: true) }
    private func single(_ tag: UInt64) -> Ack { Ack(tag: tag, isMultiple: false) }

    /// Against a model of the broker: every tag is outstanding when named, and all end up acked.
    @Test(arguments: UInt64(1)...20)
    func `any order of settling acks each delivery once`(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var left = Array(UInt64(1)...200)
        var outstanding = Set(left)
        var window = AckWindow()
        while !left.isEmpty {
            var batch: [UInt64] = []
            for _ in 0..<min(left.count, 1 + Int(random.below(16))) {
                let near = min(UInt64(left.count), 1 + random.below(32))
                batch.append(left.remove(at: Int(random.below(near))))
            }
            var named = Set<UInt64>()
            for ack in window.settle(batch) {
                #expect(outstanding.contains(ack.tag))
                let acked = ack.isMultiple ? outstanding.filter { $0 <= ack.tag } : [ack.tag]
                named.formUnion(acked)
                outstanding.subtract(acked)
            }
            #expect(named == Set(batch))
        }
        #expect(outstanding.isEmpty)
    }
}

@Suite("RabbitTopology") struct RabbitTopologyTests {
    @Test func `work queues have no arguments, retry queues lead back`() {
        let queues = RabbitTopology(RabbitSettings(queues: ["q"])).queues
        #expect(
            queues.map(\.name) == [
                "q", "q.dlq", "q.retry.1", "q.retry.2", "q.retry.3", "q.retry.4", "q.retry.5",
            ])
        #expect(queues[0].arguments.isEmpty && queues[1].arguments.isEmpty)
        let arguments = queues[3].arguments.map { "\($0.0)=\($0.1)" }
        #expect(
            arguments == [
                "x-message-ttl=integer(2000)", "x-dead-letter-exchange=text(\"\")",
                "x-dead-letter-routing-key=text(\"q\")",
            ])
    }

    @Test func `a retry waits in the longest queue within its delay`() {
        let topology = RabbitTopology(RabbitSettings(queues: ["q"]))
        for (milliseconds, number) in [
            (0, 1), (999, 1), (1000, 1), (1250, 1), (1999, 1), (2000, 2), (9000, 4), (16_000, 5),
            (1_000_000, 5),
        ] {
            let queue = topology.retryQueue(of: "q", after: .milliseconds(milliseconds))
            #expect(queue == "q.retry.\(number)")
        }
        #expect(topology.retryQueue(of: "other", after: .zero) == nil)
    }

    @Test func `quorum queues say so everywhere and hand on safely`() {
        var settings = RabbitSettings(queues: ["q"])
        settings.usesQuorumQueues = true
        for queue in RabbitTopology(settings).queues {
            #expect(queue.arguments.contains { $0.0 == "x-queue-type" })
            #expect(
                queue.arguments.contains { $0.0 == "x-dead-letter-strategy" }
                    == queue.name.contains("retry"))
        }
    }

    @Test func `depth counts a work queue with its retries, and others alone`() {
        var settings = RabbitSettings(queues: ["q"])
        settings.retryDelays = [.seconds(1)]
        let topology = RabbitTopology(settings)
        #expect(topology.queuesCounted(for: "q") == ["q", "q.retry.1"])
        #expect(topology.queuesCounted(for: "q.dlq") == ["q.dlq"])
    }
}
