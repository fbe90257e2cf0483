// MannWhitney: whether two groups of runs differ, by the order of their figures alone.
//
//   a  1.21 1.25 1.30            put in order together, each figure gets its rank; figures that are
//   b  1.02 1.08 1.11   ─▶       equal share theirs. U counts the pairs in which b is above a,
//   order  b b b a a a           and p is how often chance alone gives a U at least as far off.
//
// No figure has to follow a normal distribution, and one run that was disturbed weighs no more than
// its rank. Up to 50 runs together p is exact, also with equal figures: all ways to divide the
// ranks are counted. Above it is the normal approximation with correction for ties and continuity.
//
// Thread: a pure value.  Allocates: tables of at most 50 * 25 * 100 entries.
// Source: Mann and Whitney, "On a Test of Whether one of Two Random Variables is Stochastically
// Larger than the Other" (1947); Streitberg and Röhmel, shift algorithm (1986).

import Glibc

public struct MannWhitney: Equatable, Sendable {
    /// Pairs in which the second group's figure is above the first one's; equal ones count a half.
    public let u: Double
    /// Two-sided, 0...1.
    public let p: Double
    public let isExact: Bool

    public static let exactRunCountMax = 50
    /// What p has to be below before groups are called different.
    public static let significance = 0.05

    /// - Parameters: figures, at least one each, none of them NaN.
    public init(_ first: [Double], _ second: [Double]) {
        precondition(!first.isEmpty && !second.isEmpty)
        let ranks = Self.doubledRanks(first + second)
        let rankSum = ranks[first.count...].reduce(0, +)
        u = Double(rankSum) / 2 - Double(second.count * (second.count + 1)) / 2
        isExact = ranks.count <= Self.exactRunCountMax
        p =
            isExact
            ? Self.exactP(rankSum, ranks, second.count)
            : Self.approximateP(u, ranks, first.count, second.count)
    }

    /// Whether these many runs could ever be called different: 3 against 3 cannot.
    public static func canTell(_ firstCount: Int, _ secondCount: Int) -> Bool {
        var divisions = 1.0
        for step in 1...max(1, min(firstCount, secondCount)) {
            divisions *= Double(firstCount + secondCount - step + 1) / Double(step)
        }
        return min(firstCount, secondCount) > 0 && 2 / divisions < significance
    }

    /// Twice the rank of each figure: equal figures share the mean of theirs, which may be a half.
    static func doubledRanks(_ figures: [Double]) -> [Int] {
        let order = figures.indices.sorted { figures[$0] < figures[$1] }
        var ranks = [Int](repeating: 0, count: figures.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, figures[order[end]] == figures[order[start]] { end += 1 }
            // Ranks start + 1 ... end; twice their mean is the sum of the two.
            for position in start..<end { ranks[order[position]] = start + 1 + end }
            start = end
        }
        return ranks
    }

    /// In how many ways `count` of `ranks` can have each sum.
    static func sumCounts(_ ranks: [Int], choosing count: Int) -> [Double] {
        let sumMax = ranks.sorted().suffix(count).reduce(0, +)
        var ways = [[Double]](
            repeating: [Double](repeating: 0, count: sumMax + 1), count: count + 1)
        ways[0][0] = 1
        for rank in ranks where rank <= sumMax {
            for chosen in stride(from: count, through: 1, by: -1) {
                for sum in stride(from: sumMax, through: rank, by: -1) {
                    ways[chosen][sum] += ways[chosen - 1][sum - rank]
                }
            }
        }
        return ways[count]
    }

    private static func exactP(_ rankSum: Int, _ ranks: [Int], _ count: Int) -> Double {
        let ways = sumCounts(ranks, choosing: count)
        let all = ways.reduce(0, +)
        let below = ways[...rankSum].reduce(0, +)
        let above = ways[rankSum...].reduce(0, +)
        return min(1, 2 * min(below, above) / all)
    }

    private static func approximateP(
        _ u: Double, _ ranks: [Int], _ firstCount: Int, _ secondCount: Int
    ) -> Double {
        let pairs = Double(firstCount) * Double(secondCount)
        let count = Double(ranks.count)
        let ties = Dictionary(grouping: ranks) { $0 }.values.reduce(0.0) { sum, equal in
            let size = Double(equal.count)
            return sum + size * (size * size - 1)
        }
        let variance = pairs / 12 * (count + 1 - ties / (count * (count - 1)))
        guard variance > 0 else { return 1 }
        let distance = max(0, (u - pairs / 2).magnitude - 0.5)
        return min(1, erfc(distance / (2 * variance).squareRoot()))
    }
}
