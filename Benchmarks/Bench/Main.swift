// bench: puts load on a server and says what it did.
//
//   flags ─▶ BenchOptions ─▶ scenario ─▶ Measurement ─▶ report, as text or JSON
//
// Thread: main only.  Allocates: freely before the clock runs, not while it does.

import CLinux
import Glibc

@main enum Main {
    static func main() {
        clinux_block_signals()
        _ = clinux_raise_descriptor_limit()
        do {
            guard let options = try BenchOptions.parse(CommandLine.arguments.dropFirst()) else {
                print(BenchOptions.help)
                return
            }
            let measurement =
                switch options.scenario {
                case .echo: try EchoScenario(options).run()
                }
            switch options.output {
            case .text: print(Report.text(measurement))
            case .json: print(Report.json(measurement, options))
            }
        } catch let error as UsageError {
            fail("\(error.description); try --help", code: 2)
        } catch {
            fail("\(error)", code: 1)
        }
    }

    private static func fail(_ text: String, code: Int32) {
        var line = "bench: \(text)\n"
        line.withUTF8 { _ = clinux_write(STDERR_FILENO, $0.baseAddress, $0.count) }
        exit(code)
    }
}
