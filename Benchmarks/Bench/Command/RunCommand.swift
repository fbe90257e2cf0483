// RunCommand: `bench [flags]`, from the command line to the exit code.
//
//   options ─▶ Stage (ours, or --url) ─▶ LoadRun (and one for the floor) ─▶ report, files ─▶ 0, 1, 2, 99
//
// Thread: the run has one of its own; main waits for it and for Ctrl-C.  Allocates: freely.

import Glibc
import Loop
import Measure

enum RunCommand {
    /// 128 and the signal, as a shell has it.
    private static let interrupted: Int32 = 130

    static func run(_ arguments: ArraySlice<String>) -> Int32 {
        let options: BenchOptions
        do throws(UsageError) {
            guard let parsed = try OptionParser.parse(arguments) else {
                Terminal.result(Help.text)
                return 0
            }
            options = parsed
        } catch {
            return fail(error)
        }
        let code = Monitor<Int32?>(nil)
        NativeThread(name: "run") {
            let result = perform(options)
            code.update { $0 = result }
        }.detach()
        while true {
            if let code = code.wait(atMost: .milliseconds(100), { $0 }) { return code }
            if ProcessSetup.nextSignal(atMost: .milliseconds(1)) != nil {
                Terminal.error("interrupted; what was started is being stopped")
                Leftovers.clearAll()
                return interrupted
            }
        }
    }

    private static func fail(_ error: UsageError) -> Int32 {
        Terminal.error("\(error.description); bench --help shows the flags")
        return 2
    }

    private static func perform(_ options: BenchOptions) -> Int32 {
        do {
            // A threshold that makes no sense is better told before the run.
            let conclusion = try Conclusion(options)
            let stage = try Stage(options) { if !options.isQuiet { Terminal.note($0) } }
            defer { stage.stop() }
            let undisturbed = try stage.undisturbed.map { try perform($0) }
            var outcomes = [try perform(stage.main)]
            if let undisturbed { outcomes[0].result.compare(withUndisturbed: undisturbed.result) }
            if let floor = stage.floor {
                let yardstick = try perform(floor)
                outcomes[0].result.compare(with: yardstick.result)
                outcomes.append(yardstick)
            }
            return try conclusion.conclude(outcomes)
        } catch let error as UsageError {
            return fail(error)
        } catch {
            Terminal.error("\(error)")
            return 1
        }
    }

    private static func perform(_ part: Stage.Part) throws -> RunOutcome {
        let scenario = try part.options.makeScenario()
        let display = LiveDisplay(part.options)
        defer { display.end() }
        let run = try LoadRun(
            part.options, scenario, part.target, urls: part.options.urls, servers: part.servers,
            display)
        return try run.perform()
    }
}

extension RunResult {
    /// Adds what the same load took while everybody read, and the ratios to it.
    mutating func compare(withUndisturbed other: RunResult) {
        metrics["undisturbed_server_rss_max_bytes"] = other.metrics["server_rss_max_bytes"]
        for (name, latency) in latencies {
            guard let base = other.latencies[name], base.p50 > 0, base.p99 > 0 else { continue }
            metrics["undisturbed_\(name)_p99_us"] = Double(base.p99) / 1000
            metrics["disturbed_\(name)_p99_us"] = Double(latency.p99) / 1000
            metrics["disturbed_ratio_\(name)_p50"] = Double(latency.p50) / Double(base.p50)
            metrics["disturbed_ratio_\(name)_p99"] = Double(latency.p99) / Double(base.p99)
        }
    }

    /// Adds the floor's figures and the ratios to them: `floor_X` and `ratio_X` for each metric X that
    /// is a cost or a speed.
    mutating func compare(with floor: RunResult) {
        for (name, value) in metrics {
            guard name.hasPrefix("server_") || name.hasSuffix("_per_second"),
                let base = floor.metrics[name], base > 0
            else { continue }
            metrics["floor_\(name)"] = base
            metrics["ratio_\(name)"] = value / base
        }
        for (name, latency) in latencies {
            guard let base = floor.latencies[name], base.p50 > 0, base.p99 > 0 else { continue }
            metrics["ratio_\(name)_p50"] = Double(latency.p50) / Double(base.p50)
            metrics["ratio_\(name)_p99"] = Double(latency.p99) / Double(base.p99)
        }
    }
}
