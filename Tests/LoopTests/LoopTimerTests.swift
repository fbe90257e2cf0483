import TestSupport
import Testing

@testable import Loop

@Suite struct LoopTimerTests {
    private let clock = FakeClock()

    private func makeReactor(timerCountMax: Int = 1024) throws -> Reactor {
        var limits = Limits()
        limits.connectionCountMax = 4
        limits.loopTimerCountMax = timerCountMax
        return try Reactor(limits: limits, time: clock)
    }

    private func pass(_ duration: Duration, on reactor: Reactor) {
        clock.advance(by: duration)
        reactor.tick(waitMillisecondsMax: 0)
    }

    @Test func `what is to happen later happens once, and not early`() throws {
        let reactor = try makeReactor()
        var count = 0
        reactor.after(.milliseconds(100)) { count += 1 }

        pass(.milliseconds(99), on: reactor)
        let early = count
        pass(.milliseconds(17), on: reactor)
        let due = count
        pass(.seconds(10), on: reactor)

        #expect(early == 0)
        #expect(due == 1)
        #expect(count == 1)
    }

    @Test func `a timer may start the next one`() throws {
        let reactor = try makeReactor()
        var order: [Int] = []
        reactor.after(.milliseconds(10)) {
            order.append(1)
            reactor.after(.milliseconds(10)) { order.append(2) }
        }

        pass(.milliseconds(32), on: reactor)
        let first = order
        pass(.milliseconds(32), on: reactor)

        #expect(first == [1])
        #expect(order == [1, 2])
    }

    @Test func `a connection that gets another deadline in the round of its timer waits for that`()
        throws
    {
        final class Waiting: ConnectionHandler {
            var connection: Connection?
            var firedCount = 0
            override func opened(_ connection: Connection) { self.connection = connection }
            override func timerFired(_ connection: Connection) { firedCount += 1 }
        }
        let reactor = try makeReactor()
        let handler = Waiting()
        let address = try reactor.listen(host: "127.0.0.1", port: 0, identity: nil) { _ in handler }
        let client = try BlockingClient(to: address)
        while handler.connection == nil { reactor.tick(waitMillisecondsMax: 10) }
        let connection = handler.connection!
        connection.armTimer(after: .milliseconds(10))
        // The wheel hands out the later armed first.
        reactor.after(.milliseconds(10)) { connection.armTimer(after: .seconds(1)) }

        pass(.milliseconds(32), on: reactor)
        let early = handler.firedCount
        pass(.seconds(2), on: reactor)

        #expect(early == 0)
        #expect(handler.firedCount == 1)
        withExtendedLifetime(client) {}
    }

    @Test func `what repeats goes on`() throws {
        let reactor = try makeReactor()
        var count = 0
        reactor.every(.milliseconds(100)) { count += 1 }

        for _ in 0..<5 { pass(.milliseconds(116), on: reactor) }

        #expect(count == 5)
    }

    @Test func `a cancelled timer does not fire, nor does the one that takes its place early`()
        throws
    {
        let reactor = try makeReactor()
        var fired: [String] = []
        var second: Int?
        // The wheel hands out the later armed first: this body runs before the one it cancels.
        second = reactor.startTimer(.milliseconds(10), isRepeating: false) { fired.append("old") }
        reactor.after(.milliseconds(10)) {
            reactor.cancelTimer(second!)
            reactor.after(.seconds(1)) { fired.append("new") }
        }

        pass(.milliseconds(32), on: reactor)
        let early = fired
        pass(.seconds(2), on: reactor)

        #expect(early.isEmpty)
        #expect(fired == ["new"])
    }

    @Test func `the limit counts the running timers, not those that have fired`() throws {
        // One is the loop's own.
        let reactor = try makeReactor(timerCountMax: 3)
        let first = reactor.startTimer(.milliseconds(10), isRepeating: false) {}
        let second = reactor.startTimer(.seconds(10), isRepeating: false) {}
        let third = reactor.startTimer(.seconds(10), isRepeating: false) {}
        pass(.milliseconds(32), on: reactor)
        let fourth = reactor.startTimer(.seconds(10), isRepeating: false) {}

        #expect(first != nil)
        #expect(second != nil)
        #expect(third == nil)
        #expect(fourth != nil)
    }

    @Test func `what has not happened when the loop ends is dropped, with all it holds`() throws {
        final class Held {}
        weak var held: Held?
        let reactor = try makeReactor()
        do {
            let object = Held()
            held = object
            reactor.after(.seconds(1)) { _ = object }
        }
        let before = held != nil

        reactor.stop()
        reactor.run()

        #expect(before)
        #expect(held == nil)
    }
}
