import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("Connection age") struct ConnectionAgeTests {
    @Test func `each connection has an age of its own, within a tenth of the limit`() {
        let now = MonotonicInstant(nanoseconds: 5_000_000_000)
        let random = SeededRandom(seed: 7)
        var options = HubOptions()
        options.connectionAgeMax = .seconds(100)
        let ages = (0..<500).map { _ in
            now.duration(to: options.retirement(ofConnectionAt: now, random: random))
        }
        #expect(ages.allSatisfy { $0 >= .seconds(90) && $0 <= .seconds(110) })
        #expect(ages.contains { $0 < .seconds(92) } && ages.contains { $0 > .seconds(108) })
    }

    @Test func `without a limit no connection is too old`() {
        let now = MonotonicInstant(nanoseconds: 1)
        let retirement = HubOptions().retirement(ofConnectionAt: now, random: SeededRandom(seed: 1))
        #expect(retirement == .distantFuture)
    }

    @Test func `an old idle client is told to come back, a busy one once its call has ended`()
        throws
    {
        var options = HubOptions()
        options.connectionAgeMax = .seconds(1)
        options.keepAliveInterval = .milliseconds(100)
        let hub = try HubHarness(options: options)
        let busy = try hub.connect()
        try busy.send(#"{"arguments":[],"invocationId":"7","target":"Hold","type":1}"# + "\u{1E}")
        let held = hub.held(1)
        let idle = try hub.connect()

        #expect(try idle.nextButPings() == #"{"type":7,"allowReconnect":true}"#)
        held.first?.void()
        #expect(try busy.nextButPings().contains(#""invocationId":"7""#))
        #expect(try busy.nextButPings() == #"{"type":7,"allowReconnect":true}"#)
        try idle.close()
        try busy.close()
        #expect(hub.ends(2) == [.retired, .retired])
    }

    @Test func `a call that does not end keeps its client for another quarter only`() throws {
        var options = HubOptions()
        options.connectionAgeMax = .seconds(1)
        options.keepAliveInterval = .milliseconds(100)
        let hub = try HubHarness(options: options)
        let busy = try hub.connect()
        try busy.send(#"{"arguments":[],"invocationId":"7","target":"Hold","type":1}"# + "\u{1E}")

        #expect(try busy.nextButPings() == #"{"type":7,"allowReconnect":true}"#)
        try busy.close()
        #expect(hub.ends(1) == [.retired])
    }
}

extension WebSocketClient {
    fileprivate func nextButPings() throws -> String {
        var record = try receiveRecord()
        while record == #"{"type":6}"# { record = try receiveRecord() }
        return record
    }
}
