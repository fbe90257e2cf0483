import Testing

@testable import bench

@Suite struct OpenLoopTests {
    @Test func `messages are due by the clock, from the start on`() {
        let schedule = OpenLoop(startNanoseconds: 1_000, ratePerSecond: 4)

        #expect(
            (0..<4).map { schedule.dueNanoseconds(of: $0) } == [
                1_000, 250_001_000, 500_001_000, 750_001_000,
            ])
    }

    @Test func `nothing comes before its time, and a late generator still owes all of them`() {
        var schedule = OpenLoop(startNanoseconds: 0, ratePerSecond: 1000)

        #expect(schedule.next(at: 0)?.number == 0)
        #expect(schedule.next(at: 999_999) == nil)
        var issued: [UInt64] = []
        while let (_, due) = schedule.next(at: 5_000_000) { issued.append(due) }
        #expect(issued == [1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000])
    }

    @Test func `an odd rate does not drift within a day`() {
        let schedule = OpenLoop(startNanoseconds: 0, ratePerSecond: 3)
        let day = 86_400

        #expect(schedule.dueNanoseconds(of: 3 * day) == UInt64(day) * 1_000_000_000)
    }
}
