// Stretch: some seconds of a run as one point, so that a long run is still a line.
//
//   600 seconds ─▶ 120 stretches of 5     median of p50 and of p99, highest maximum, mean rate
//
// Thread: a pure value.  Allocates: freely.

struct Stretch: Equatable {
    /// Its first second.
    let at: Int
    /// Nanoseconds; 0 when nothing finished.
    let p50: UInt64
    let p99: UInt64
    let maximum: UInt64
    let finishedPerSecond: Double

    /// More points than that run into each other.
    static let countMax = 150
    /// Seconds.
    private static let lengths = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600]

    /// Seconds per stretch, so that `seconds` are not too many.
    static func length(of seconds: Int) -> Int {
        lengths.first { seconds <= $0 * countMax } ?? max(1, seconds / countMax)
    }

    /// A last stretch that is not full is left out, unless it is the only one.
    static func stretches(of seconds: [RunResult.Second], length: Int) -> [Stretch] {
        guard let last = seconds.last?.at else { return [] }
        let stretches = Dictionary(grouping: seconds) { $0.at / length }
            .map { Stretch($1, at: $0 * length, length: length) }
            .sorted { $0.at < $1.at }
        let full = stretches.filter { $0.at + length <= last + 1 }
        return full.isEmpty ? stretches : full
    }

    private init(_ seconds: [RunResult.Second], at: Int, length: Int) {
        // A second in which nothing finished has no latency.
        let busy = seconds.filter { $0.finishedCount > 0 }
        self.at = at
        p50 = Self.median(busy.map(\.p50))
        p99 = Self.median(busy.map(\.p99))
        maximum = busy.map(\.maximum).max() ?? 0
        finishedPerSecond = Double(seconds.reduce(0) { $0 + $1.finishedCount }) / Double(length)
    }

    private static func median(_ values: [UInt64]) -> UInt64 {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }
}
