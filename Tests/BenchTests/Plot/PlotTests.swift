import Foundation
import Testing

@testable import Measure
@testable import bench

@Suite struct PlotTests {
    private func svg(_ results: [RunResult], latency: String? = nil) throws -> String {
        try Plot.svg(
            results.enumerated().map { Plot.Subject(label: "run \($0)", result: $1) },
            latency: latency)
    }

    /// Elements that were opened and not closed, or closed and not opened.
    private func unbalanced(_ svg: String) -> [String] {
        var open: [String] = []
        for part in svg.split(separator: "<") {
            let name = String(part.prefix { $0 != " " && $0 != ">" && $0 != "/" })
            if part.hasPrefix("/") {
                let closed = String(part.dropFirst().prefix { $0 != ">" })
                if open.popLast() != closed { return [closed] }
            } else if !part.prefix(while: { $0 != ">" }).hasSuffix("/") {
                open.append(name)
            }
        }
        return open
    }

    @Test func `a plot is one file without anything from elsewhere`() throws {
        let svg = try svg([ResultFixture.result(1), ResultFixture.result(2, median: 9e5)])

        #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
        #expect(unbalanced(svg) == [])
        for word in ["<script", "href", "url(", "@import", "<image"] {
            #expect(!svg.contains(word))
        }
        for word in ["run 0", "run 1", "99.9 %", "Finished per second"] {
            #expect(svg.contains(word), "\(word)")
        }
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func `a curve for each result, and three over time`() throws {
        let one = try svg([ResultFixture.result(1)])
        let two = try svg([ResultFixture.result(1), ResultFixture.result(2)])
        func count(_ svg: String, _ color: String) -> Int {
            svg.components(separatedBy: "stroke=\"\(color)\"").count - 1
        }
        // Legend, percentiles, p50, p99, maximum, rate.
        #expect(count(one, Palette.result(0)) == 6)
        #expect(count(two, Palette.result(0)) == 6)
        #expect(count(two, Palette.result(1)) == 6)
    }

    @Test func `what a file says cannot break out of its text`() throws {
        var result = ResultFixture.result()
        result.target.url = "\"><script>&\u{0}\u{1B}"
        let svg = try svg([result])

        #expect(!svg.contains("<script"))
        #expect(svg.contains("&quot;&gt;&lt;script&gt;&amp;\u{FFFD}\u{FFFD}"))
    }

    @Test func `a result without seconds has one diagram, one value has a plot`() throws {
        var result = ResultFixture.result()
        result.seconds = []
        let histogram = Histogram()
        histogram.record(0)
        result.latencies["fanout"] = .init(histogram)
        let svg = try svg([result])

        #expect(svg.contains("by percentile"))
        #expect(!svg.contains("per second"))
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func `a latency that is not there is an error that says what is`() throws {
        let error = #expect(throws: PlotError.self) {
            try svg([ResultFixture.result()], latency: "order")
        }
        #expect(
            error?.description == "run 0 has no latency \"order\"; it has connect, fanout, tcp")
        var result = ResultFixture.result()
        result.latencies = [:]
        #expect(throws: PlotError.self) { try svg([result]) }
    }
}

@Suite struct PlotCommandTests {
    @Test func `files, output and latency are taken in any order`() throws {
        let wanted = try PlotCommand.parse(["a", "-o", "x.svg", "b", "--latency", "tcp"])
        #expect(wanted == .init(files: ["a", "b"], output: "x.svg", latency: "tcp"))
    }

    @Test(arguments: [[], ["a"], ["-o", "x"], ["a", "-o"], ["a", "-o", "x", "--loud"]])
    func `half a command is refused`(arguments: [String]) {
        #expect(throws: UsageError.self) { try PlotCommand.parse(arguments[...]) }
    }
}
