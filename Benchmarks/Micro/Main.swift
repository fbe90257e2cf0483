// bench-micro: what the smallest parts cost, each alone.
//
//   flags ─▶ MicroOptions ─▶ cases ─▶ MicroRunner ─▶ table, line by line, or one JSON document
//
// Thread: main only.  Allocates: freely between the measurements.

import CLinux
import Glibc
import Loop

@main enum Main {
    static func main() {
        Log.level = .error
        do throws(MicroUsageError) {
            try run(MicroOptions(CommandLine.arguments.dropFirst()))
        } catch {
            fail("\(error.text); try --help", code: 2)
        }
    }

    private static func run(_ options: MicroOptions) throws(MicroUsageError) {
        let cases = MicroCase.all.filter { options.selects($0.name) }
        if cases.isEmpty { throw MicroUsageError(text: "no case has that in its name") }
        switch options.action {
        case .help: print(MicroOptions.help)
        case .list: for each in cases { print(each.name) }
        case .run:
            warnOfDebugBuild()
            do { try measure(cases, options) } catch { fail("\(error)", code: 1) }
        }
    }

    private static func measure(_ cases: [MicroCase], _ options: MicroOptions) throws {
        let runner = MicroRunner(
            roundCount: options.roundCount,
            roundNanoseconds: UInt64(options.roundMilliseconds) * 1_000_000)
        let table = MicroTable(cases.map(\.name))
        if !options.isJSON { print(table.head) }
        var results: [MicroResult] = []
        for each in cases {
            let result = try runner.run(each)
            results.append(result)
            if options.isJSON { continue }
            print(table.line(result))
            // A line as soon as it is known, into a pipe as well.
            fflush(nil)
        }
        if options.isJSON { print(try MicroReport(cases: results).json()) }
    }

    private static func warnOfDebugBuild() {
        assert(
            {
                say("bench-micro: a debug build; its figures are not the program's")
                return true
            }())
    }

    private static func say(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = clinux_write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func fail(_ text: String, code: Int32) -> Never {
        say("bench-micro: \(text)")
        exit(code)
    }
}
