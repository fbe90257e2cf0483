import Glibc
import TestSupport
import Testing

@testable import Loop

@Suite(.timeLimit(.minutes(1))) struct DialerTests {
    private static let hello = Array("hello".utf8)

    @Test func `a numeric address opens, and bytes go both ways`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port))

        #expect(harness.events(2) == [.opened, .received(Self.hello)])
    }

    @Test func `IPv6 opens like IPv4`() throws {
        let server = try LoopHarness(echoingWith: nil, host: "::1")
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "::1", port: server.port))

        #expect(harness.events(2) == [.opened, .received(Self.hello)])
    }

    @Test func `a name is resolved by the system`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "localhost", port: server.port))

        #expect(harness.events(2) == [.opened, .received(Self.hello)])
    }

    @Test func `many dials at once all open`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let harness = try DialHarness()

        for _ in 0..<50 { harness.dial(Endpoint(host: "127.0.0.1", port: server.port)) }

        let events = harness.events(100)
        #expect(events.filter { $0 == .opened }.count == 50)
        #expect(events.filter { $0 == .received(Self.hello) }.count == 50)
    }

    @Test func `a name nobody knows is told as such`() throws {
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "no-such-host.invalid", port: 1))

        let failure = try #require(harness.events(1).first?.failure)
        #expect(failure.kind == .unknownHost)
        #expect(failure.description.hasPrefix("cannot connect to no-such-host.invalid:1: "))
    }

    @Test func `a port without a listener refuses, and the slot is free again`() throws {
        let port = try BlockingListener.refusingPort()
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: port))

        #expect(
            harness.events(1) == [
                .failed(
                    DialError(
                        kind: .refused,
                        description: "cannot connect to 127.0.0.1:\(port): connection refused"))
            ])
        #expect(harness.becomesEmpty())
    }

    @Test func `when the first address of a name refuses, the next one is tried`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let refusing = try BlockingListener.refusingPort()
        let harness = try DialHarness { _, port in
            let addresses = [("127.0.0.1", refusing), ("::1", refusing), ("127.0.0.1", port)]
            return .success(addresses.map { SocketAddress(numeric: $0, port: $1)! })
        }

        harness.dial(Endpoint(host: "many.example", port: server.port))

        #expect(harness.events(2) == [.opened, .received(Self.hello)])
    }

    @Test func `when all addresses refuse, there is one failure`() throws {
        let refusing = try BlockingListener.refusingPort()
        let harness = try DialHarness { _, port in
            .success(["127.0.0.1", "127.0.0.1"].map { SocketAddress(numeric: $0, port: port)! })
        }

        harness.dial(Endpoint(host: "many.example", port: refusing))

        #expect(harness.events(1).map(\.failure?.kind) == [.refused])
        #expect(harness.becomesEmpty())
        #expect(harness.events(1).count == 1)
    }

    @Test func `a resolver that hangs is not waited for, and its late answer is dropped`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let isFree = Monitor(false)
        let harness = try DialHarness { _, port in
            _ = isFree.wait { $0 ? true : nil }
            return .success([SocketAddress(numeric: "127.0.0.1", port: port)!])
        }

        harness.dial(Endpoint(host: "slow.example", port: server.port), timeout: .milliseconds(50))
        let failures = harness.events(1)
        isFree.update { $0 = true }
        harness.dial(Endpoint(host: "slow.example", port: server.port))

        #expect(failures.map(\.failure?.kind) == [.timedOut])
        #expect(Array(harness.events(3).dropFirst()) == [.opened, .received(Self.hello)])
    }

    @Test func `more dials than the loop has room for fail, one by one`() throws {
        var limits = Limits()
        limits.connectionCountMax = 1
        let server = try LoopHarness(echoingWith: nil)
        let harness = try DialHarness(limits: limits)

        harness.dial(Endpoint(host: "127.0.0.1", port: server.port))
        harness.dial(Endpoint(host: "127.0.0.1", port: server.port))

        let events = harness.events(3)
        #expect(events.filter { $0 == .opened }.count == 1)
        #expect(events.compactMap(\.failure?.kind) == [.noResources])
    }

    @Test func `a dial for which there is no timer fails`() throws {
        var limits = Limits()
        // One is the loop's own.
        limits.loopTimerCountMax = 1
        let harness = try DialHarness(limits: limits)

        harness.dial(Endpoint(host: "localhost", port: 1))

        #expect(harness.events(1).map(\.failure?.kind) == [.noResources])
    }

    @Test func `a peer that resets after it has accepted closes an open connection`() throws {
        let listener = try BlockingListener()
        let harness = try DialHarness()

        harness.dial(Endpoint(host: "127.0.0.1", port: listener.port))
        let opened = harness.events(1)
        try listener.acceptAndReset()

        #expect(opened == [.opened])
        #expect(harness.events(2) == [.opened, .closed(.peerGone)])
        #expect(harness.becomesEmpty())
    }

    @Test func `a loop that stops while a name is being resolved fails the dial`() throws {
        let isFree = Monitor(false)
        let isAsked = Monitor(false)
        let harness = try DialHarness { _, _ in
            isAsked.update { $0 = true }
            _ = isFree.wait { $0 ? true : nil }
            return .failure(.unknownHost("too late"))
        }
        harness.dial(Endpoint(host: "slow.example", port: 1))
        _ = isAsked.wait { $0 ? true : nil }

        harness.stop()
        isFree.update { $0 = true }

        #expect(
            harness.events(1).map(\.failure?.description) == [
                "cannot connect to slow.example:1: the loop is stopping"
            ])
    }

    @Test func `a loop that stops closes what is open, with nothing failed`() throws {
        let server = try LoopHarness(echoingWith: nil)
        let harness = try DialHarness()
        harness.dial(Endpoint(host: "127.0.0.1", port: server.port))
        _ = harness.events(2)

        harness.stop()

        #expect(harness.events(3).last == .closed(.aborted))
    }

    @Test func `an endpoint's text has brackets around IPv6 only`() {
        #expect(Endpoint(host: "redis", port: 6379).text == "redis:6379")
        #expect(Endpoint(host: "::1", port: 80).text == "[::1]:80")
    }
}
