import Loop
import Testing
import TestSupport

@testable import Hub

@Suite("DrainPace") struct DrainPaceTests {
    private let clock = FakeClock()
    private var now: MonotonicInstant { clock.monotonicNow }

    private func make(_ count: Int, rate: Int? = nil, window: Duration = .seconds(10)) -> DrainPace
    {
        var pace = DrainPace(rate: rate, window: window, at: now)
        pace.add(count)
        return pace
    }

    /// What one loop that asks every 16 ms takes within a time.
    private func take(from pace: inout DrainPace, _ wanted: Int, for time: Duration) -> Int {
        var taken = 0
        var passed: Duration = .zero
        while passed < time {
            taken += pace.take(atMost: wanted, at: now)
            clock.advance(by: .milliseconds(16))
            passed += .milliseconds(16)
        }
        return taken
    }

    @Test(arguments: [1, 20, 100, 333, 2000])
    func `no second has more turns than the rate, give or take a tick`(rate: Int) {
        var pace = make(100_000, rate: rate, window: .seconds(60))
        for _ in 0..<5 {
            let taken = take(from: &pace, 1000, for: .seconds(1))
            #expect(abs(taken - rate) <= 1 + rate / 50)
        }
    }

    @Test func `two loops share one pace`() {
        var pace = make(1000, rate: 100)
        var taken = 0
        for _ in 0..<100 {
            taken += pace.take(atMost: 10, at: now) + pace.take(atMost: 10, at: now)
            clock.advance(by: .milliseconds(10))
        }
        #expect((99...101).contains(taken))
    }

    @Test func `a loop that stood still does not make up for it`() {
        var pace = make(1000, rate: 100)
        _ = pace.take(atMost: 1000, at: now)
        clock.advance(by: .seconds(5))
        // What would have come within 50 ms.
        #expect(pace.take(atMost: 1000, at: now) <= 6)
    }

    @Test(arguments: [(3, 100), (600, 100), (700, 106), (30_000, 4501)])
    func `without a rate all leave within two thirds of the window, at 100 per second at least`(
        count: Int, rate: Int
    ) {
        let pace = make(count)
        #expect(pace.rate == rate)
        #expect(pace.isEnough)
    }

    @Test func `loops that begin later raise the rate`() {
        var pace = make(700)
        pace.add(700)
        #expect(pace.rate == 211)
    }

    @Test func `busy ones are waited for until those left need all the time left`() {
        var pace = make(500, rate: 100)
        #expect(!pace.isLate(at: now))
        for _ in 0..<300 { pace.ended() }
        clock.advance(by: .milliseconds(7999))
        #expect(!pace.isLate(at: now))
        clock.advance(by: .milliseconds(1))
        #expect(pace.isLate(at: now))
    }

    @Test func `a rate that is too low is late from the beginning`() {
        let pace = make(1001, rate: 100)
        #expect(!pace.isEnough)
        #expect(pace.isLate(at: now))
    }

    @Test(arguments: [Duration.zero, .seconds(10)])
    func `at the end of the window everybody has a turn`(window: Duration) {
        var pace = make(5000, rate: 1, window: window)
        clock.advance(by: window)
        #expect(pace.isLate(at: now))
        #expect(pace.take(atMost: 5000, at: now) == 5000)
    }
}
