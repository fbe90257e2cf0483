import Glibc
import Loop
import TestSupport
import Testing

@testable import Services

@Suite("LoopWatch", .timeLimit(.minutes(1))) struct LoopWatchTests {
    private let clock = FakeClock()

    @Test func `a loop is stuck when it has not ticked for longer than the patience`() {
        let watch = LoopWatch(time: clock)
        watch.add(LoopPulse(at: clock.monotonicNow))
        clock.advance(by: .seconds(20))
        watch.add(LoopPulse(at: clock.monotonicNow))
        #expect(watch.stuckCount == 0)

        clock.advance(by: .seconds(10))
        #expect(watch.stuckCount == 0)
        clock.advance(by: .milliseconds(1))
        #expect(watch.stuckCount == 1)
        clock.advance(by: .seconds(20))
        #expect(watch.stuckCount == 2)
    }

    @Test func `a loop that has nothing to do is not stuck`() throws {
        let pulse = Monitor<LoopPulse?>(nil)
        let harness = try LoopHarness { reactor in
            pulse.update { $0 = reactor.pulse }
            return try reactor.listen(host: "127.0.0.1", port: 0) { _ in ConnectionHandler() }
        }
        let beating = try #require(pulse.withLock { $0 })
        let start = SystemTime().monotonicNow

        // Its last beat is not older than now, however late: it beats after `start`.
        while beating.age(at: start) > .zero { usleep(1000) }

        _ = harness
    }
}
