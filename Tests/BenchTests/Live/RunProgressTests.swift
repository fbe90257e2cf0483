import Testing

@testable import Measure

@Suite struct RunProgressTests {
    private var progress = RunProgress(
        scenario: "fanout", phase: "measuring", elapsed: 12.7, duration: 30,
        connectionCount: 49_999, connectionTarget: 50_000, rates: [90_000, 113_204], errorCount: 3,
        p50: 1_200_000, p99: 14_100_000)

    @Test func `the block says everything`() {
        #expect(
            progress.block(width: 60) == [
                "fanout  measuring  00:12 of 00:30  ██████████░░░░░░░░░░░░░░░",
                "  connections  49,999 of 50,000",
                "  rate         113,204/s   ▇█",
                "  latency      p50 1.20 ms   p99 14.1 ms",
                "  errors       3",
            ])
    }

    @Test(arguments: 0...200) func `no line is wider than the terminal`(width: Int) {
        var progress = progress
        progress.rates = (0..<500).map(Double.init)
        progress.elapsed = 1e12

        for line in progress.block(width: width) { #expect(line.count <= width) }
    }

    @Test func `the line says everything`() {
        #expect(
            progress.line
                == "fanout measuring 00:12 of 00:30  49,999 of 50,000 connections  113,204/s  "
                + "p50 1.20 ms  p99 14.1 ms  3 errors")
    }

    @Test func `what is not known is left out`() {
        let progress = RunProgress(
            scenario: "idle", phase: "connecting", elapsed: 3_700, connectionCount: 7,
            connectionTarget: 7)

        #expect(progress.line == "idle connecting 1:01:40  7 connections  0 errors")
        #expect(
            progress.block(width: 80) == [
                "idle  connecting  1:01:40", "  connections  7", "  errors       0",
            ])
    }

    @Test func `a block is drawn over the one before`() {
        func redraw(_ lines: [String], _ drawn: Int, from: Int, to: Int) -> String {
            LiveProgress.redraw(lines, over: drawn, drawnAt: from, width: to)
        }
        #expect(redraw(["a", "b"], 0, from: 0, to: 80) == "a\nb\n")
        #expect(redraw(["a", "b"], 2, from: 80, to: 80) == "\u{1B}[2A\r\u{1B}[Ja\nb\n")
        #expect(redraw([], 2, from: 80, to: 80) == "\u{1B}[2A\r\u{1B}[J")
    }

    @Test func `a terminal that became narrower gets a new block`() {
        #expect(LiveProgress.redraw(["a"], over: 2, drawnAt: 80, width: 79) == "a\n")
    }
}
