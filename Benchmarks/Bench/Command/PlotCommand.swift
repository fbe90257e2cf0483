// PlotCommand: `bench plot`, results as an SVG file.
//
// Thread: main only.  Allocates: freely; no clock runs.

import Glibc
import Measure

enum PlotCommand {
    static let help = """
        usage: bench plot RESULT.json... -o OUT.svg [--latency NAME]

        Draws latency by percentile and over time; several results lie over each other.

          -o, --output FILE  where to; - is standard output
          --latency NAME     which latency; default: the scenario's own
          -h, --help         this text
        """

    /// - Returns: the exit code.
    static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
        guard let wanted = try parse(arguments) else {
            Terminal.result(help)
            return 0
        }
        do {
            let svg = try Plot.svg(try subjects(wanted.files), latency: wanted.latency)
            try write(svg, to: wanted.output)
        } catch {
            Terminal.error("\(error)")
            return 1
        }
        return 0
    }

    struct Wanted: Equatable {
        var files: [String] = []
        var output = ""
        var latency: String?
    }

    /// Nil when help is wanted.
    static func parse(_ arguments: ArraySlice<String>) throws(UsageError) -> Wanted? {
        var wanted = Wanted()
        var rest = arguments
        while let argument = rest.popFirst() {
            switch argument {
            case "-h", "--help": return nil
            case "-o", "--output", "--latency":
                guard let value = rest.popFirst() else {
                    throw UsageError(description: "\(argument) has no value")
                }
                if argument == "--latency" { wanted.latency = value } else { wanted.output = value }
            case _ where argument.hasPrefix("-"):
                throw UsageError(description: "plot has no flag \(argument)")
            default: wanted.files.append(argument)
            }
        }
        guard !wanted.files.isEmpty else { throw UsageError(description: "plot wants a result") }
        guard !wanted.output.isEmpty else {
            throw UsageError(description: "plot wants -o and a file")
        }
        return wanted
    }

    /// A result is called like its file; of several in one file each has its target or number too.
    private static func subjects(_ paths: [String]) throws(ResultFileError) -> [Plot.Subject] {
        var subjects: [Plot.Subject] = []
        for path in paths {
            let results = try ResultFile.read(path)
            let file = path.split(separator: "/").last.map(String.init) ?? path
            let name = file.hasSuffix(".json") ? String(file.dropLast(5)) : file
            let hasKinds = Set(results.map(\.target.kind)).count == results.count
            for (index, result) in results.enumerated() {
                let mark = hasKinds ? result.target.kind.rawValue : "#\(index + 1)"
                let label = results.count == 1 ? name : "\(name) \(mark)"
                subjects.append(Plot.Subject(label: label, result: result))
            }
        }
        return subjects
    }

    private static func write(_ svg: String, to path: String) throws(BenchError) {
        if path == "-" { return print(svg, terminator: "") }
        let file = fopen(path, "w")
        guard let file else {
            throw BenchError(
                description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        let isWritten = fputs(svg, file) >= 0
        // The last bytes are written when it is closed.
        guard fclose(file) == 0, isWritten else {
            throw BenchError(
                description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
