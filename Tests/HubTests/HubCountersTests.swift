import Loop
import Testing
import TestSupport
import WS

@testable import Hub

@Suite("HubCounters") struct HubCountersTests {
    @Test func `a connection is open, then ended for its reason`() throws {
        let hub = try HubHarness()
        let client = try hub.connect()
        var counters = try hub.counters()
        #expect(counters.openCount == 1)
        #expect(counters.openedCount == 1)
        #expect(counters.endedCountByReason.isEmpty)

        try client.send("{\"type\":7}\u{1E}")
        _ = hub.ends(1)

        counters = try hub.counters()
        #expect(counters.openCount == 0)
        #expect(counters.openedCount == 1)
        #expect(counters.endedCountByReason == [.closedByClient: 1])
    }

    @Test func `a refused handshake is counted although the hub never sees it`() throws {
        let hub = try HubHarness()
        let client = try hub.open()
        try client.send("{\"protocol\":\"smoke\",\"version\":1}\u{1E}")
        _ = try client.receiveRecord()

        #expect(try hub.counters().endedCountByReason == [.handshakeFailed: 1])
    }

    @Test func `a message counts once and its deliveries once per receiver`() throws {
        let hub = try HubHarness()
        let clients = try (0..<3).map { _ in try hub.connect() }

        hub.server.send(to: .all, target: "Notification", arguments: [.string("x")])
        for client in clients { _ = try client.receiveRecord() }

        let counters = try hub.counters()
        #expect(counters.messageCount == 1)
        #expect(counters.deliveryCount == 3)
    }

    @Test func `a message for nobody counts nothing`() throws {
        let hub = try HubHarness()

        hub.server.send(to: .user("nobody"), target: "Notification", arguments: [])
        hub.server.send(to: .all, target: "Notification", arguments: [])

        let counters = try hub.counters()
        #expect(counters.messageCount == 0)
        #expect(counters.deliveryCount == 0)
    }
}
