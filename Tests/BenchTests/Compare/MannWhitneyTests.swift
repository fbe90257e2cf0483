import Testing

@testable import Measure

/// The expected values come from SciPy 1.17.1: mannwhitneyu for groups without equal figures and
/// for the approximation, a count of all divisions for the others.
@Suite struct MannWhitneyTests {
    private struct Case {
        let first, second: [Double]
        let u, p: Double
    }

    private static let exact = [
        Case(first: [19, 22, 16, 29, 24], second: [20, 11, 17, 12], u: 3, p: 1.0 / 9),
        Case(first: [1, 2, 3, 4], second: [5, 6, 7, 8], u: 16, p: 2.0 / 70),
        Case(first: [1.21, 1.25, 1.30], second: [1.02, 1.08, 1.11], u: 0, p: 0.1),
        Case(first: [1, 2, 2, 3, 5], second: [2, 4, 4, 6], u: 15, p: 0.2698412698412698),
        Case(first: [1, 1, 1, 1], second: [1, 1, 1], u: 6, p: 1),
        Case(
            first: [10, 10, 11, 12, 12], second: [12, 13, 13, 14, 15], u: 24,
            p: 0.023809523809523808),
        Case(first: [1], second: [2], u: 1, p: 1),
    ]

    @Test(arguments: exact.indices) func `small groups have the exact p`(index: Int) {
        let expected = Self.exact[index]
        let test = MannWhitney(expected.first, expected.second)

        #expect(test.isExact)
        #expect(test.u == expected.u)
        #expect((test.p - expected.p).magnitude < 1e-12)
    }

    @Test func `exchanging the groups changes nothing but the side`() {
        for expected in Self.exact {
            let test = MannWhitney(expected.second, expected.first)
            let pairs = Double(expected.first.count * expected.second.count)
            #expect(test.u == pairs - expected.u)
            #expect((test.p - expected.p).magnitude < 1e-12)
        }
    }

    @Test func `large groups have the normal approximation`() {
        let first = (1...30).map(Double.init)
        let test = MannWhitney(first, first.map { $0 + 7.5 })

        #expect(!test.isExact)
        #expect(test.u == 647)
        #expect((test.p - 0.003670893392450653).magnitude < 1e-12)
    }

    @Test func `the approximation is corrected for equal figures`() {
        let test = MannWhitney(
            (0..<30).map { Double($0 % 7) }, (0..<28).map { Double($0 * 3 % 9 + 1) })

        #expect(test.u == 525)
        #expect((test.p - 0.09804383031814942).magnitude < 1e-12)
    }

    @Test func `large groups that are all equal do not differ`() {
        let ones = [Double](repeating: 1, count: 40)
        #expect(MannWhitney(ones, ones).p == 1)
    }

    @Test func `the exact count goes up to 50 runs`() {
        let figures = (0..<51).map(Double.init)
        let atLimit = MannWhitney(Array(figures[..<25]), Array(figures[25..<50]))

        #expect(atLimit.isExact)
        #expect((atLimit.p / (2 / 126_410_606_437_752) - 1).magnitude < 1e-9)
        #expect(!MannWhitney(Array(figures[..<25]), Array(figures[25...])).isExact)
    }

    @Test func `four runs of each can tell, three cannot`() {
        #expect(!MannWhitney.canTell(3, 3))
        #expect(MannWhitney.canTell(4, 4))
        #expect(!MannWhitney.canTell(1, 38))
        #expect(MannWhitney.canTell(1, 40))
        #expect(!MannWhitney.canTell(0, 40))
    }
}
