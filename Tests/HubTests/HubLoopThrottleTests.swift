import Loop
import TestSupport
import Testing

@testable import Hub

@Suite("HubLoop+Throttle", .timeLimit(.minutes(1))) struct HubLoopThrottleTests {
    private static func hub(_ rate: RateLimit) throws -> HubHarness {
        var options = HubOptions()
        options.messageRate = rate
        options.parallelInvocationCountMax = 100
        return try HubHarness(options: options)
    }

    private func invocation(_ id: Int) -> String {
        #"{"type":1,"invocationId":"\#(id)","target":"Nothing","arguments":[]}"# + "\u{1E}"
    }

    @Test func `a client that sends too fast is slowed to the rate, and loses nothing`() throws {
        let hub = try Self.hub(RateLimit(50, burst: 5))
        let client = try hub.connect()
        let start = SystemTime().monotonicNow

        // In one message, and in many.
        try client.send((0..<10).map(invocation).joined())
        for id in 10..<25 { try client.send(invocation(id)) }
        let answers = try (0..<25).map { _ in try client.receiveRecord() }

        for (id, answer) in answers.enumerated() {
            #expect(answer.contains("\"invocationId\":\"\(id)\""))
        }
        // 20 of 25 had to wait for a token of 20 ms each.
        #expect(start.duration(to: SystemTime().monotonicNow) >= .milliseconds(395))
        #expect(try hub.counters().hitCountByLimit[.messageRate, default: 0] > 0)
    }

    @Test func `pings count too`() throws {
        let hub = try Self.hub(RateLimit(50, burst: 5))
        let client = try hub.connect()
        let start = SystemTime().monotonicNow

        for _ in 0..<24 { try client.send("{\"type\":6}\u{1E}") }
        #expect(try client.call("Nothing").contains("\"invocationId\":\"1\""))

        #expect(start.duration(to: SystemTime().monotonicNow) >= .milliseconds(395))
    }

    @Test func `who keeps to the rate is never slowed`() throws {
        let hub = try Self.hub(RateLimit(1, burst: 30))
        let client = try hub.connect()

        for _ in 0..<29 { #expect(try client.call("Nothing").contains("null")) }

        #expect(try hub.counters().hitCountByLimit[.messageRate] == nil)
    }

    @Test func `who goes while it is slowed is forgotten`() throws {
        let hub = try Self.hub(RateLimit(1, burst: 1))
        let client = try hub.connect()
        try client.send(invocation(1) + invocation(2))
        #expect(try client.receiveRecord().contains("\"invocationId\":\"1\""))
        client.stream.closeWriting()

        #expect(hub.ends(1).count == 1)

        #expect(try hub.connect().call("Nothing").contains("null"))
    }
}
