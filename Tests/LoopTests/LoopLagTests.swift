import Testing

@testable import Loop

@Suite struct LoopLagTests {
    private static func lag(
        sheds: Duration = .milliseconds(250), refuses: Duration = .seconds(1)
    ) -> LoopLag {
        var lag = LoopLag(shedsAt: sheds, refusesAt: refuses)
        lag.start(at: MonotonicInstant(nanoseconds: 0))
        return lag
    }

    /// Ticks that are each `interval` apart, for `time`, from `start` on; what is turned away after each.
    private func run(
        _ lag: inout LoopLag, ticks interval: Duration, for time: Duration,
        from start: MonotonicInstant
    ) -> (end: MonotonicInstant, pressures: [LoopPressure]) {
        var now = start
        var pressures: [LoopPressure] = []
        while start.duration(to: now) < time {
            let before = now
            now = now.advanced(by: interval)
            if lag.isDue(at: now) { lag.observe(at: now, since: before) }
            pressures.append(lag.pressure)
        }
        return (now, pressures)
    }

    private let start = MonotonicInstant(nanoseconds: 0)

    @Test(arguments: [1, 7, 50, 66]) func `a loop that ticks in time is never late`(
        milliseconds: Int
    ) {
        var lag = Self.lag()

        let (_, pressures) = run(
            &lag, ticks: .milliseconds(milliseconds), for: .seconds(20), from: start)

        #expect(lag.average == 0)
        #expect(pressures.allSatisfy { $0 == .onTime })
    }

    @Test func `one stall turns nobody away`() {
        var lag = Self.lag()

        let (_, pressures) = run(
            &lag, ticks: .milliseconds(400), for: .milliseconds(400), from: start)

        #expect(pressures == [.onTime])
        #expect(lag.average > 0)
    }

    @Test func `what lasts sheds requests first and refuses connections only when it is worse`() {
        var lag = Self.lag()
        let late = run(&lag, ticks: .milliseconds(500), for: .seconds(10), from: start)
        let worse = run(&lag, ticks: .seconds(2), for: .seconds(20), from: late.end)

        #expect(late.pressures.first == .onTime)
        #expect(late.pressures.last == .shedding)
        #expect(!late.pressures.contains(.refusing))
        #expect(worse.pressures.last == .refusing)
    }

    @Test func `what was let go of comes back at half the limit, step by step`() {
        var lag = Self.lag()
        let late = run(&lag, ticks: .seconds(2), for: .seconds(20), from: start)
        #expect(lag.pressure == .refusing)

        var now = late.end
        var averages: [LoopPressure: Double] = [:]
        for _ in 0..<200 {
            let was = (lag.pressure, lag.average)
            now = run(&lag, ticks: .milliseconds(50), for: .milliseconds(50), from: now).end
            if lag.pressure != was.0 { averages[was.0] = lag.average / 1e6 }
        }

        #expect(lag.pressure == .onTime)
        #expect(averages[.refusing, default: 0] > 450 && averages[.refusing, default: 0] <= 500)
        #expect(averages[.shedding, default: 0] > 110 && averages[.shedding, default: 0] <= 125)
    }

    @Test func `a limit of zero is none`() {
        var lag = Self.lag(sheds: .zero, refuses: .zero)

        let (_, pressures) = run(&lag, ticks: .seconds(5), for: .seconds(60), from: start)

        #expect(pressures.allSatisfy { $0 == .onTime })
        #expect(lag.average > 1e9)
    }

    @Test func `before it starts nothing is late`() {
        let lag = LoopLag(shedsAt: .seconds(1), refusesAt: .seconds(1))

        #expect(!lag.isDue(at: MonotonicInstant(nanoseconds: 3_600_000_000_000)))
    }
}
