import Testing

@testable import Loop

@Suite(.timeLimit(.minutes(1))) struct MonitorTests {
    @Test func `a wait ends when another thread makes its condition true`() {
        let monitor = Monitor(0)
        let thread = NativeThread(name: "counter") {
            for _ in 0..<1000 { monitor.update { $0 += 1 } }
        }

        let seen = monitor.wait(atMost: .seconds(20)) { $0 == 1000 ? $0 : nil }
        thread.join()

        #expect(seen == 1000)
    }

    @Test func `a wait whose condition stays false ends at its deadline`() {
        let monitor = Monitor(false)
        let start = SystemTime().monotonicNow

        let result: Bool? = monitor.wait(atMost: .milliseconds(20)) { $0 ? true : nil }

        #expect(result == nil)
        #expect(start.duration(to: SystemTime().monotonicNow) >= .milliseconds(20))
    }
}
