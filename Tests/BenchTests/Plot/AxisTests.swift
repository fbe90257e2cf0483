import Testing

@testable import Measure

@Suite struct AxisTests {
    private func texts(_ axis: Axis) -> [String] { axis.marks.map(\.text) }

    @Test func `a linear axis ends at a round number`() {
        let axis = Axis.linear(to: 2713) { "\(Int($0))" }

        #expect(texts(axis) == ["0", "1000", "2000", "3000"])
        #expect(axis.marks.map(\.place) == [0, 1.0 / 3, 2.0 / 3, 1])
        #expect(axis.place(of: 1500) == 0.5)
    }

    @Test func `a logarithmic axis begins and ends at 1, 2 or 5`() {
        let axis = Axis.logarithmic(0.3...4) { "\($0)" }

        #expect(texts(axis) == ["0.2", "0.5", "1.0", "2.0", "5.0"])
        #expect(axis.place(of: 0.2) == 0)
        #expect(axis.place(of: 5) == 1)
        #expect((axis.place(of: 1) - 0.5).magnitude < 1e-9)
    }

    @Test func `a long logarithmic axis has powers of ten`() {
        let axis = Axis.logarithmic(15...3e6) { "\(Int($0.rounded()))" }
        #expect(texts(axis) == ["10", "100", "1000", "10000", "100000", "1000000"])
    }

    @Test(arguments: [1.0, 2, 5, 7, 1000]) func `one value alone has an axis around it`(
        value: Double
    ) {
        let axis = Axis.logarithmic(value...value) { "\($0)" }
        #expect(axis.marks.count >= 2)
        #expect((0...1).contains(axis.place(of: value)))
        #expect(axis.place(of: value * 100) == 1)
    }

    @Test func `each nine takes as much room as the last`() {
        let axis = Axis.percentile(count: 10_000)

        #expect(
            texts(axis) == ["0 %", "50 %", "75 %", "90 %", "99 %", "99.9 %", "99.99 %"])
        #expect((axis.place(of: 0.9) - 0.25).magnitude < 1e-9)
        #expect((axis.place(of: 0.99) - 0.5).magnitude < 1e-9)
        #expect((axis.place(of: 0.999) - 0.75).magnitude < 1e-9)
        #expect(axis.place(of: 1) == 1)
    }

    @Test func `steps are 1, 2 and 5 times a power of ten`() {
        let steps = [0.011, 1, 1.5, 2.1, 5.01, 99].map(Axis.roundStep)
        for (step, expected) in zip(steps, [0.02, 1, 2, 5, 10, 100]) {
            #expect((step / expected - 1).magnitude < 1e-9)
        }
    }
}
