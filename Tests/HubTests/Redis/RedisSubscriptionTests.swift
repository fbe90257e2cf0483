import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("RedisSubscription", .enabled(if: RedisServer.sharedURL != nil), .timeLimit(.minutes(2)))
struct RedisSubscriptionTests {
    @Test func `what is published on a channel arrives while it is subscribed`() throws {
        let server = try RedisServer()
        let harness = try RedisSubscriptionHarness(server)
        #expect(harness.events(1) == ["connected"])
        harness.run { $0.subscribe(["a", "b"]) }
        #expect(harness.events(3).suffix(2) == ["subscribed a", "subscribed b"])

        try server.run("PUBLISH a hi", "PUBLISH b ho", "PUBLISH c no")
        harness.run {
            $0.unsubscribe(["b"])
            $0.ping("t")
        }
        #expect(
            harness.events(7).suffix(4) == [
                "message a hi", "message b ho", "unsubscribed b", "pong t",
            ])
        // Without any channel a PING is answered in another form.
        harness.run {
            $0.unsubscribe(["a"])
            $0.ping("u")
        }
        #expect(harness.events(9).suffix(2) == ["unsubscribed a", "pong u"])
    }

    @Test func `a message of a megabyte arrives whole`() throws {
        let server = try RedisServer()
        let harness = try RedisSubscriptionHarness(server)
        #expect(harness.events(1) == ["connected"])
        harness.run { $0.subscribe(["big"]) }
        #expect(harness.events(2).last == "subscribed big")
        let payload = String(repeating: "x", count: 1_000_000)
        try server.run("*3\r\n$7\r\nPUBLISH\r\n$3\r\nbig\r\n$1000000\r\n\(payload)")
        #expect(harness.events(3).last == "message big \(payload)")
    }

    @Test func `after a cut the owner is told, and subscribes again`() throws {
        let server = try RedisServer()
        let harness = try RedisSubscriptionHarness(server)
        #expect(harness.events(1) == ["connected"])
        harness.run { $0.subscribe(["a"]) }
        #expect(harness.events(2).last == "subscribed a")

        try server.run("CLIENT KILL TYPE pubsub")
        #expect(harness.events(4).suffix(2) == ["disconnected", "connected"])
        try server.run("PUBLISH a lost")
        harness.run { $0.subscribe(["a"]) }
        #expect(harness.events(5).last == "subscribed a")
        try server.run("PUBLISH a found")
        #expect(harness.events(6).last == "message a found")
    }

    @Test func `a frozen server is noticed, and one that wakes in time is kept`() throws {
        let server = try RedisServer()
        let harness = try RedisSubscriptionHarness(server) {
            $0.heartbeatInterval = .milliseconds(100)
            $0.heartbeatTimeout = .milliseconds(300)
        }
        #expect(harness.events(1) == ["connected"])
        server.freeze()
        #expect(harness.waitForState { $0 == .stalled })
        #expect(!harness.status.isUp)
        server.thaw()
        #expect(
            harness.states.wait(atMost: .seconds(20)) { $0.count >= 3 ? $0 : nil }
                == [.ready, .stalled, .ready])
        #expect(harness.events.withLock { $0 } == ["connected"])
    }

    @Test func `a frozen server is given up after a while`() throws {
        let server = try RedisServer()
        let harness = try RedisSubscriptionHarness(server) {
            $0.heartbeatInterval = .milliseconds(100)
            $0.heartbeatTimeout = .milliseconds(200)
            $0.stallTimeout = .milliseconds(200)
            $0.connectTimeout = .milliseconds(500)
        }
        #expect(harness.events(1) == ["connected"])
        server.freeze()
        #expect(harness.events(2) == ["connected", "disconnected"])
        server.thaw()
        #expect(harness.events(3).last == "connected")
    }

    @Test func `a channel the user has no right to is refused`() throws {
        let server = try RedisServer(user: "app on >pw &mine +subscribe +ping")
        let harness = try RedisSubscriptionHarness(server) {
            $0.user = "app"
            $0.password = "pw"
        }
        #expect(harness.events(1) == ["connected"])
        harness.run {
            $0.subscribe(["theirs"])
            $0.subscribe(["mine"])
        }
        #expect(harness.events(3).suffix(2) == ["refused NOPERM", "subscribed mine"])
    }
}
