// Conclusion: what becomes of the results: printed, kept, judged.
//
//   outcomes ─┬▶ stdout: report or JSON
//             ├▶ --keep DIR: SCENARIO-TARGET.json and .hlog
//             ├▶ --hdr-log FILE: a line per second and latency
//             └▶ thresholds, of the first result ─▶ exit code 0 or 99
//
// Thread: the coordinator's.  Allocates: freely.

import Glibc
import Measure

/// What one run has given.
struct RunOutcome {
    var result: RunResult
    /// A histogram per second of the measured time and kind of latency.
    let log: HistogramLog
}

struct Conclusion {
    /// A threshold is broken; the code of k6 and others for it.
    static let thresholdBroken: Int32 = 99

    private let options: BenchOptions
    private let thresholds: [Threshold]

    init(_ options: BenchOptions) throws(UsageError) {
        self.options = options
        do throws(ThresholdViolation) {
            var thresholds: [Threshold] = []
            for text in options.thresholds { thresholds += try Threshold.parse(list: text) }
            self.thresholds = thresholds
        } catch {
            throw UsageError(description: "--\(error)")
        }
    }

    /// - Parameter outcomes: what was asked for, and the floor's behind it if that was measured.
    /// - Returns: the exit code.
    func conclude(_ outcomes: [RunOutcome]) throws -> Int32 {
        let results = outcomes.map(\.result)
        switch options.output {
        case .json: Terminal.result(results.count == 1 ? try json(results[0]) : try json(results))
        case .text: Terminal.result(results.map(Report.text).joined(separator: "\n"))
        }
        try keep(outcomes)
        let breaches = try Threshold.breaches(of: thresholds, in: results[0])
        for breach in breaches { Terminal.error("\(breach)") }
        return breaches.isEmpty ? 0 : Self.thresholdBroken
    }

    private func json(_ result: RunResult) throws(ResultFileError) -> String {
        try ResultFile.encode(result)
    }

    private func json(_ results: [RunResult]) throws(ResultFileError) -> String {
        try ResultFile.encode(results)
    }

    private func keep(_ outcomes: [RunOutcome]) throws {
        if let directory = options.keepDirectory {
            guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
                let reason = String(cString: strerror(errno))
                throw BenchError(description: "--keep: cannot make \(directory): \(reason)")
            }
            for outcome in outcomes {
                let result = outcome.result
                let name = "\(directory)/\(result.scenario)-\(result.target.kind.rawValue)"
                try write(try json(result), to: name + ".json")
                try write(Self.text(of: outcome), to: name + ".hlog")
            }
        }
        if let path = options.histogramLog { try write(Self.text(of: outcomes[0]), to: path) }
    }

    private static func text(of outcome: RunOutcome) -> String {
        let comment = "bench, scenario \(outcome.result.scenario)"
        var text = HistogramLog.header(
            startTime: outcome.log.startTime ?? 0, comments: [comment])
        for interval in outcome.log.intervals { text += HistogramLog.line(interval) }
        return text
    }

    private func write(_ text: String, to path: String) throws(BenchError) {
        let file = fopen(path, "w")
        defer { if let file { fclose(file) } }
        guard let file, fputs(text, file) >= 0, fflush(file) == 0 else {
            throw BenchError(
                description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
