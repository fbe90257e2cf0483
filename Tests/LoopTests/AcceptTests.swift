import Glibc
import TestSupport
import Testing

@testable import Loop

/// What new connections meet, over real sockets.
@Suite(.timeLimit(.minutes(1))) struct AcceptTests {
    private final class Echo: ConnectionHandler {
        override func received(
            _ bytes: UnsafeMutableRawBufferPointer, on connection: Connection
        ) -> Int {
            connection.send(UnsafeRawBufferPointer(bytes))
            return bytes.count
        }
    }

    private static func harness(
        limits: Limits = Limits(), admission: Admission? = nil,
        metrics: Monitor<Mailbox<Monitor<LoopMetrics?>>?>? = nil
    ) throws -> LoopHarness {
        try LoopHarness(limits: limits) { reactor in
            metrics?.update {
                $0 = reactor.makeMailbox { [unowned reactor] answer in
                    answer.update { $0 = reactor.metrics }
                }
            }
            return try reactor.listen(
                host: "127.0.0.1", port: 0, admission: admission, refusal: Array("full".utf8)
            ) { _ in Echo() }
        }
    }

    private func echoes(_ client: BlockingClient) throws -> Bool {
        try client.send("hello")
        return try client.receive(exactly: 5) == Array("hello".utf8)
    }

    @Test func `one too many is told so and closed, and the others are served`() throws {
        var limits = Limits()
        limits.connectionCountMax = 2
        let harness = try Self.harness(limits: limits)
        let clients = try [harness.connect(), harness.connect()]
        for client in clients { #expect(try echoes(client)) }

        #expect(try harness.connect().receiveToEnd() == Array("full".utf8))

        for client in clients { #expect(try echoes(client)) }
    }

    @Test func `whoever is gone has made room at every limit`() throws {
        var rules = Admission.Rules()
        rules.connectionCountMax = 1
        rules.connectionCountPerAddressMax = 1
        let harness = try Self.harness(admission: Admission(rules))
        for _ in 0..<20 {
            // Refused as long as the one before is not quite gone.
            var client = try harness.connect()
            while (try? echoes(client)) != true { client = try harness.connect() }

            #expect(try harness.connect().receiveToEnd() == Array("full".utf8))
            #expect(try echoes(client))
        }
    }

    @Test func `beyond the rate the next one waits and is served`() throws {
        var limits = Limits()
        limits.acceptRate = RateLimit(20, burst: 2)
        let metrics = Monitor<Mailbox<Monitor<LoopMetrics?>>?>(nil)
        let harness = try Self.harness(limits: limits, metrics: metrics)
        let start = SystemTime().monotonicNow

        let clients = try (0..<6).map { _ in try harness.connect() }
        for client in clients { #expect(try echoes(client)) }

        // Four of six had to wait for a token of 50 ms each.
        #expect(start.duration(to: SystemTime().monotonicNow) >= .milliseconds(195))
        let answer = Monitor<LoopMetrics?>(nil)
        metrics.withLock { $0 }?.post(answer)
        let counted = try #require(answer.wait(atMost: .seconds(30)) { $0 })
        #expect(counted.refusedCount == 0)
        #expect(counted.pauseCountByReason[.rate, default: 0] > 0)
    }
}
