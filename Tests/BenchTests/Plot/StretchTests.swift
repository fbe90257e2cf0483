import Testing

@testable import Measure

@Suite("Stretch") struct StretchTests {
    static func second(_ at: Int, _ finishedCount: Int, _ p50: UInt64) -> RunResult.Second {
        RunResult.Second(
            at: at, finishedCount: finishedCount, errorCount: 0, p50: p50, p99: 2 * p50,
            maximum: 3 * p50)
    }

    @Test(arguments: [
        (1, 1), (150, 1), (151, 2), (300, 2), (301, 5), (600, 5), (750, 5), (751, 10),
    ])
    func `a run has at most 150 points`(seconds: Int, length: Int) {
        #expect(Stretch.length(of: seconds) == length)
    }

    @Test func `a stretch has medians, the highest maximum and the mean rate`() {
        let seconds = [Self.second(0, 30, 10), Self.second(1, 0, 0), Self.second(2, 60, 30)]
        let stretches = Stretch.stretches(of: seconds, length: 3)

        #expect(stretches.count == 1)
        #expect(stretches[0].p50 == 30 && stretches[0].p99 == 60 && stretches[0].maximum == 90)
        #expect(stretches[0].finishedPerSecond == 30)
    }

    @Test func `a last stretch that is not full is left out, unless it is the only one`() {
        let seconds = (0..<7).map { Self.second($0, 10, 5) }
        #expect(Stretch.stretches(of: seconds, length: 5).map(\.at) == [0])
        #expect(Stretch.stretches(of: seconds, length: 10).map(\.at) == [0])
        #expect(Stretch.stretches(of: seconds, length: 1).map(\.at) == Array(0..<7))
        #expect(Stretch.stretches(of: [], length: 1) == [])
    }

    @Test func `seconds in which nothing was reported leave a gap and shift nothing`() {
        let seconds = [Self.second(0, 10, 5), Self.second(3, 10, 7), Self.second(5, 10, 9)]
        #expect(Stretch.stretches(of: seconds, length: 2).map(\.at) == [0, 2, 4])
    }
}
