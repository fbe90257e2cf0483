// CompareCommand: `bench compare`, two groups of results side by side.
//
// Thread: main only.  Allocates: freely; no clock runs.

import Measure

enum CompareCommand {
    static let help = """
        usage: bench compare [--force] A.json B.json
               bench compare [--force] A.json... --with B.json...
               bench compare [--force] --floor RESULT.json...

        Says for each figure how B differs from A. A file holds one result or several of them.
        With one run on each side the intervals come from the histograms; with several, from
        the runs (Mann-Whitney U). From 4 runs on each side there is a verdict.

          --with       the files that follow are B
          --floor      A is the floor that was measured beside the server in the same files;
                       without it the floor of a file that holds both is left out
          --force      compare although scenario or settings differ
          -h, --help   this text
        """

    /// - Returns: the exit code.
    static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
        guard let files = try parse(arguments) else {
            Terminal.result(help)
            return 0
        }
        do {
            let (first, second) = try sides(files)
            let differences = Comparison.differences(first, second)
            guard differences.isEmpty || files.isForced else {
                throw BenchError(
                    description: "these results cannot be compared: "
                        + "\(differences.joined(separator: "; ")). --force compares them all the same"
                )
            }
            Terminal.result(text(first, second, differences))
            return 0
        } catch {
            Terminal.error("\(error)")
            return 1
        }
    }

    private static func text(
        _ first: [RunResult], _ second: [RunResult], _ differences: [String]
    ) -> String {
        var lines = [Comparison.heading("a", first), Comparison.heading("b", second)]
        lines += differences.map { "Careful: \($0)." }
        lines += Comparison.remarks(first, second)
        return (lines + ["", Comparison(first, second).table]).joined(separator: "\n")
    }

    struct Files: Equatable {
        var first: [String] = []
        var second: [String] = []
        var isForced = false
        /// The floor in `first` is A, and everything else there is B.
        var isAgainstFloor = false
    }

    /// Nil when help is wanted.
    static func parse(_ arguments: ArraySlice<String>) throws(UsageError) -> Files? {
        var files = Files()
        var isSecond = false
        for argument in arguments {
            switch argument {
            case "-h", "--help": return nil
            case "--force": files.isForced = true
            case "--floor": files.isAgainstFloor = true
            case "--with":
                guard !isSecond else { throw UsageError(description: "--with is there twice") }
                isSecond = true
            case _ where argument.hasPrefix("-"):
                throw UsageError(description: "compare has no flag \(argument)")
            case _ where isSecond: files.second.append(argument)
            default: files.first.append(argument)
            }
        }
        if files.isAgainstFloor {
            guard !files.first.isEmpty, !isSecond else {
                throw UsageError(description: "compare --floor wants files, and no --with")
            }
            return files
        }
        if !isSecond, files.first.count == 2 { files.second = [files.first.removeLast()] }
        guard !files.first.isEmpty, !files.second.isEmpty else {
            throw UsageError(description: "compare wants two files, or files, --with and files")
        }
        return files
    }

    private static func sides(_ files: Files) throws -> ([RunResult], [RunResult]) {
        guard files.isAgainstFloor else {
            return (try servers(files.first), try servers(files.second))
        }
        let all = try files.first.flatMap { try ResultFile.read($0) }
        let floor = all.filter { $0.target.kind == .floor }
        let servers = all.filter { $0.target.kind != .floor }
        guard !floor.isEmpty, !servers.isEmpty else {
            throw BenchError(
                description:
                    "these files do not hold a server and the floor; run bench with --floor")
        }
        return (floor, servers)
    }

    /// A floor measured beside a server is its yardstick, and no run of the same thing. A file that
    /// holds nothing else is about the floor.
    private static func servers(_ paths: [String]) throws -> [RunResult] {
        try paths.flatMap { path in
            let results = try ResultFile.read(path)
            let servers = results.filter { $0.target.kind != .floor }
            return servers.isEmpty ? results : servers
        }
    }
}
