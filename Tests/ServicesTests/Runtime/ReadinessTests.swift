import Loop
import Synchronization
import Testing
import TestSupport

@testable import Services

@Suite("Readiness") struct ReadinessTests {
    private let clock = FakeClock()

    @Test func `a process is ready until it drains`() {
        let readiness = Readiness(drainingFile: "/nonexistent/draining")

        #expect(readiness.state == .ready)
        readiness.beginDraining()
        #expect(readiness.state == .draining)
    }

    @Test func `a process is not ready while the draining file exists`() {
        #expect(Readiness(drainingFile: "/").state == .draining)
    }

    @Test func `a dependency that is away counts after the grace time only`() {
        let redis = LinkStatus(name: "redis", time: clock)
        let readiness = Readiness(
            drainingFile: "/nonexistent/draining", links: [redis], grace: .seconds(10),
            time: clock)
        redis.wentUp()
        #expect(readiness.state == .ready)

        redis.wentDown(at: clock.monotonicNow)
        clock.advance(by: .seconds(10))
        #expect(readiness.state == .ready)
        clock.advance(by: .seconds(1))
        #expect(readiness.state == .cutOff([.init(name: "redis", seconds: 11)]))
        redis.wentUp()
        #expect(readiness.state == .ready)
    }

    @Test func `an outage is counted once and lasts from its first report`() {
        let link = LinkStatus(name: "postgres", time: clock)
        link.wentUp()

        link.wentDown(at: clock.monotonicNow)
        clock.advance(by: .seconds(3))
        link.wentDown(at: clock.monotonicNow)

        #expect(link.outage(at: clock.monotonicNow) == .seconds(3))
        #expect(link.lossCount.load(ordering: .relaxed) == 1)
    }
}
