// Main: the executable `bench`.
//
//   bench [flags]     a run          bench compare A B     bench plot RESULT     (see --help)
//
// Thread: main; a run makes more.  Allocates: freely, but for the path of a message.

import CLinux
import Glibc
import Loop

@main enum Main {
    static func main() {
        ProcessSetup.blockSignals()
        _ = clinux_raise_descriptor_limit()
        exit(run(CommandLine.arguments.dropFirst()))
    }

    private static func run(_ arguments: ArraySlice<String>) -> Int32 {
        do throws(UsageError) {
            return switch arguments.first {
            case "agent": Agent.run()
            case "compare": try CompareCommand.run(arguments.dropFirst())
            case "plot": try PlotCommand.run(arguments.dropFirst())
            default: RunCommand.run(arguments)
            }
        } catch {
            Terminal.error("\(error.description); --help shows the flags")
            return 2
        }
    }
}
