// Every micro benchmark runs here with a few operations, so that none of them can rot.

import Testing

@testable import bench_micro

@Suite("bench-micro") struct MicroTests {
    @Test(arguments: MicroCase.all.map(\.name))
    func `a case gives what it states, and more for more operations`(name: String) throws {
        let subject = try #require(MicroCase.all.first { $0.name == name })
        let body = try subject.prepare()
        var sums: [UInt64] = []
        for operationCount in 1...3 {
            let sum = body(operationCount)
            #expect(sum == subject.expected(UInt64(operationCount)))
            sums.append(sum)
        }
        #expect(Set(sums + [0]).count == 4, "a body that does nothing would pass as well")
    }

    @Test func `no two cases have one name`() {
        #expect(Set(MicroCase.all.map(\.name)).count == MicroCase.all.count)
    }

    @Test func `a case that gives the wrong sum is not measured`() {
        let wrong = MicroCase("wrong", each: 2) { { UInt64($0) } }
        #expect(
            throws: WrongSum(name: "wrong", operationCount: 1, sum: 1, expected: 2)
        ) { try MicroRunner(roundCount: 1, roundNanoseconds: 1).run(wrong) }
    }

    @Test func `a case that takes no time is refused`() {
        let empty = MicroCase("empty", each: 1) { { UInt64($0) } }
        #expect(throws: NothingToMeasure(name: "empty")) {
            try MicroRunner(roundCount: 1, roundNanoseconds: 1_000_000_000).run(empty)
        }
    }

    @Test func `rounds are as long as asked for, and the figures are of one operation`() throws {
        let subject = MicroCase("additions", byteCount: 8, each: 1) {
            { operationCount in
                var sum: UInt64 = 0
                for _ in 0..<operationCount { sum += 1 }
                return sum
            }
        }
        let result = try MicroRunner(roundCount: 3, roundNanoseconds: 100_000).run(subject)
        #expect(result.roundCount == 3)
        #expect(result.nanosecondsMin > 0)
        #expect(result.nanosecondsMin <= result.nanosecondsMedian)
        let perRound = result.nanosecondsMedian * Double(result.operationsPerRound)
        #expect(perRound > 10_000)
    }

    /// Built with a sanitizer nothing is counted.
    @Test func `allocations are counted`() throws {
        let subject = MicroCase("arrays", each: 100) {
            { operationCount in
                var sum: UInt64 = 0
                for _ in 0..<operationCount {
                    sum +=
                        UInt64([UInt8](repeating: 1, count: 100 * operationCount).count)
                        / UInt64(operationCount)
                }
                return sum
            }
        }
        let result = try MicroRunner(roundCount: 1, roundNanoseconds: 1000).run(subject)
        if let allocations = result.allocationsPerOperation { #expect(allocations >= 1) }
    }

    // MARK: Command line

    @Test func `the flags are read in both forms`() throws {
        let options = try MicroOptions([
            "--filter", "jwt", "--filter=ws.", "--rounds=3", "--round-time", "7", "--json",
        ])
        #expect(options.filters == ["jwt", "ws."])
        #expect(options.roundCount == 3)
        #expect(options.roundMilliseconds == 7)
        #expect(options.isJSON)
        #expect(options.selects("jwt.hs256") && options.selects("ws.frame.read.32"))
        #expect(!options.selects("timer.rearm"))
    }

    @Test(arguments: [["--rounds", "0"], ["--rounds", "1001"], ["--filter"], ["--what"]])
    func `a command line that makes no sense is refused`(arguments: [String]) {
        #expect(throws: MicroUsageError.self) { try MicroOptions(arguments) }
    }

    // MARK: Report

    @Test func `a line stands under its heads`() {
        let result = MicroResult(
            name: "a.b", clock: .processor, nanosecondsMin: 12.34, nanosecondsMedian: 1234.56,
            byteCount: 200,
            allocationsPerOperation: 1, operationsPerRound: 1000, roundCount: 9)
        let table = MicroTable(["a.b", "longer"])
        #expect(table.head == "case       min ns  median ns       MB/s  allocations")
        #expect(table.line(result) == "a.b          12.3     1234.6    16207.5          1.0")
    }

    @Test func `the document has a line per case and its schema`() throws {
        let report = MicroReport(cases: [
            MicroResult(
                name: "a.b", clock: .processor, nanosecondsMin: 1, nanosecondsMedian: 2,
                byteCount: 0,
                allocationsPerOperation: nil, operationsPerRound: 3, roundCount: 9)
        ])
        let json = try report.json()
        #expect(json.contains(#""schema" : "contoso-bench-micro/1""#))
        #expect(json.contains(#""name" : "a.b""#))
    }
}
