// MicroOptions: what bench-micro is asked to do.
//
// Thread: a pure value.

/// A command line that makes no sense.
struct MicroUsageError: Error, Equatable {
    let text: String
}

struct MicroOptions: Equatable {
    enum Action: Equatable { case run, list, help }

    var action = Action.run
    /// A case runs if its name contains one of these; without any, all run.
    var filters: [String] = []
    var roundCount = 9
    /// Milliseconds a round takes at least.
    var roundMilliseconds = 50
    var isJSON = false

    static let help = """
        usage: bench-micro [flags]

          --filter TEXT     only cases with TEXT in their name; may be given several times
          --rounds N        rounds of each case, 1 to 1000; default 9
          --round-time MS   milliseconds a round takes at least, 1 to 10000; default 50
          --json            one JSON document instead of the table
          --list            the names of the cases
          -h, --help        this text
        """

    init(_ arguments: some Sequence<String>) throws(MicroUsageError) {
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            let name = parts.first ?? ""
            func value() throws(MicroUsageError) -> String {
                guard let value = parts.count == 2 ? parts[1] : rest.next() else {
                    throw MicroUsageError(text: "\(name) has no value")
                }
                return value
            }
            switch name {
            case "-h", "--help": action = .help
            case "--list": action = .list
            case "--json": isJSON = true
            case "--filter": filters.append(try value())
            case "--rounds": roundCount = try Self.count(name, value(), 1...1000)
            case "--round-time": roundMilliseconds = try Self.count(name, value(), 1...10_000)
            default: throw MicroUsageError(text: "unknown flag \(argument)")
            }
        }
    }

    private static func count(
        _ name: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(MicroUsageError) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw MicroUsageError(
                text: "\(name) wants a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func selects(_ name: String) -> Bool {
        filters.isEmpty || filters.contains { name.contains($0) }
    }
}
