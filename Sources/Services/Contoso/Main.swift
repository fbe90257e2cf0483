// Main: the executable `contoso`; everything it does is in Services/Runtime.
//
// Thread: the main thread.

import Glibc
import Services

@main enum Main {
    static func main() {
        var environment: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { environment[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        let arguments = Array(CommandLine.arguments.dropFirst())
        exit(CommandLineTool.run(arguments: arguments, environment: environment).rawValue)
    }
}
