import Testing

@testable import Loop

@Suite struct TimerWheelTests {
    private static let start = MonotonicInstant(nanoseconds: 1_000_000_000)
    private static let tick = Duration.nanoseconds(Int64(TimerWheel.tickNanoseconds))

    private func expired(_ wheel: inout TimerWheel, after delay: Duration) -> [UInt32] {
        var due: [UInt32] = []
        wheel.expire(at: Self.start.advanced(by: delay), into: &due)
        return due.sorted()
    }

    @Test(arguments: [1, 15, 16, 17, 250, 16_384, 16_400, 60_000])
    func `a deadline fires at most one tick late and never early`(milliseconds: Int) {
        var wheel = TimerWheel(capacity: 4, now: Self.start)
        let delay = Duration.milliseconds(milliseconds)
        wheel.arm(2, at: Self.start.advanced(by: delay))

        let early = expired(&wheel, after: delay - Self.tick)
        let due = expired(&wheel, after: delay + Self.tick)

        #expect(early.isEmpty)
        #expect(due == [2])
        let armed = wheel.armedCount
        #expect(armed == 0)
    }

    @Test func `arming again replaces the deadline`() {
        var wheel = TimerWheel(capacity: 2, now: Self.start)
        wheel.arm(0, at: Self.start.advanced(by: .milliseconds(50)))
        wheel.arm(0, at: Self.start.advanced(by: .milliseconds(500)))

        let first = expired(&wheel, after: .milliseconds(200))
        let second = expired(&wheel, after: .milliseconds(600))

        #expect(first.isEmpty)
        #expect(second == [0])
    }

    @Test func `a disarmed deadline does not fire, whatever its place in the bucket`() {
        for victim: UInt32 in 0..<3 {
            var wheel = TimerWheel(capacity: 3, now: Self.start)
            let deadline = Self.start.advanced(by: .milliseconds(100))
            for index: UInt32 in 0..<3 { wheel.arm(index, at: deadline) }
            wheel.disarm(victim)
            wheel.disarm(victim)

            let due = expired(&wheel, after: .milliseconds(200))

            #expect(due == [0, 1, 2].filter { $0 != victim })
        }
    }

    @Test func `a bucket shared by several turns fires only what is due`() {
        var wheel = TimerWheel(capacity: 2, now: Self.start)
        let turn = Self.tick * Int(TimerWheel.bucketCount)
        wheel.arm(0, at: Self.start.advanced(by: .milliseconds(160)))
        wheel.arm(1, at: Self.start.advanced(by: .milliseconds(160) + turn))

        let first = expired(&wheel, after: .seconds(1))
        let second = expired(&wheel, after: .seconds(1) + turn)

        #expect(first == [0])
        #expect(second == [1])
    }

    @Test func `after a pause of many turns everything due fires once`() {
        var wheel = TimerWheel(capacity: 100, now: Self.start)
        for index: UInt32 in 0..<100 {
            wheel.arm(index, at: Self.start.advanced(by: .milliseconds(Int(index) * 700)))
        }

        let due = expired(&wheel, after: .seconds(3600))
        let again = expired(&wheel, after: .seconds(3601))

        #expect(due == Array(0..<100))
        #expect(again.isEmpty)
    }

    @Test func `the wait ends at the next deadline or at its limit`() {
        var wheel = TimerWheel(capacity: 1, now: Self.start)
        let idle = wheel.millisecondsToNext(from: Self.start, limit: 500)
        wheel.arm(0, at: Self.start.advanced(by: .milliseconds(100)))
        let near = wheel.millisecondsToNext(from: Self.start, limit: 500)
        wheel.arm(0, at: Self.start.advanced(by: .seconds(10)))
        let far = wheel.millisecondsToNext(from: Self.start, limit: 500)

        #expect(idle == 500)
        #expect(near >= 100 && near <= 117)
        #expect(far == 500)
    }
    @Test func `the wait follows what is armed, disarmed and expired after the last look`() {
        var wheel = TimerWheel(capacity: 3, now: Self.start)
        let turn = Self.tick * Int(TimerWheel.bucketCount)
        func wait(after delay: Duration) -> Int32 {
            wheel.millisecondsToNext(from: Self.start.advanced(by: delay), limit: 500)
        }
        #expect(wait(after: .zero) == 500)
        wheel.arm(0, at: Self.start.advanced(by: .milliseconds(400)))
        #expect((384...417).contains(wait(after: .zero)))
        wheel.arm(1, at: Self.start.advanced(by: .milliseconds(100)))
        #expect((84...117).contains(wait(after: .zero)))
        wheel.disarm(1)
        #expect((384...417).contains(wait(after: .zero)))
        #expect(expired(&wheel, after: .milliseconds(320)).isEmpty)
        #expect((64...97).contains(wait(after: .milliseconds(320))))
        // Of a later turn, and in a bucket that was looked into.
        wheel.arm(2, at: Self.start.advanced(by: .milliseconds(336) + turn))
        #expect(wait(after: .milliseconds(320)) <= 33)
        #expect(expired(&wheel, after: .milliseconds(420)) == [0])
        #expect(wait(after: .milliseconds(420)) == 500)
        #expect(expired(&wheel, after: .milliseconds(360) + turn) == [2])
    }
}
