// BenchOptions: what bench is asked to do.
//
// Thread: a pure value.

/// A command line that makes no sense.
struct UsageError: Error {
    let description: String
}

struct BenchOptions {
    enum Scenario: String { case echo }
    enum Output: String { case text, json }

    var scenario = Scenario.echo
    var connectionCount = 100
    /// Bytes of each message.
    var byteCount = 64
    var duration: Duration = .seconds(3)
    var host = "127.0.0.1"
    var port: UInt16 = 0
    var path = "/"
    /// Whose CPU time is measured.
    var serverProcess: Int32?
    var output = Output.text

    static let help = """
        usage: bench --url ws://HOST:PORT/PATH [flags]

          --scenario echo      one message in flight per connection, sent back by the server
          --connections N      default 100
          --bytes N            size of a message, default 64
          --duration TIME      3s, 500ms, 1m; default 3s
          --server-pid PID     measure this process' CPU time too
          --output text|json   default text
          -h, --help           this text
        """

    /// Nil when help is wanted.
    static func parse(_ arguments: ArraySlice<String>) throws(UsageError) -> BenchOptions? {
        var options = BenchOptions()
        var hasURL = false
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "-h" || argument == "--help" { return nil }
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            let name = parts[0]
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw UsageError(description: "\(name) is unknown or has no value")
            }
            switch name {
            case "--scenario": options.scenario = try choice(name, value)
            case "--output": options.output = try choice(name, value)
            case "--connections": options.connectionCount = try count(name, value, 1...100_000)
            case "--bytes": options.byteCount = try count(name, value, 0...(16 << 20))
            case "--server-pid":
                options.serverProcess = Int32(try count(name, value, 1...Int(Int32.max)))
            case "--duration": options.duration = try duration(name, value)
            case "--url":
                try options.take(url: value)
                hasURL = true
            default: throw UsageError(description: "unknown flag \(name)")
            }
        }
        guard hasURL else { throw UsageError(description: "--url is missing") }
        return options
    }

    private static func choice<Choice: RawRepresentable<String>>(
        _ name: String, _ value: String
    ) throws(UsageError) -> Choice {
        guard let choice = Choice(rawValue: value) else {
            throw UsageError(description: "\(name) does not know \(value)")
        }
        return choice
    }

    private static func count(
        _ name: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(UsageError) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw UsageError(
                description:
                    "\(name) wants a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func duration(_ name: String, _ value: String) throws(UsageError) -> Duration {
        for (suffix, nanoseconds) in [("ms", 1e6), ("s", 1e9), ("m", 60e9)]
        where value.hasSuffix(suffix) {
            if let number = Double(value.dropLast(suffix.count)), number > 0, number < 1e6 {
                return .nanoseconds(Int64(number * nanoseconds))
            }
        }
        throw UsageError(description: "\(name) wants a time such as 500ms, 3s or 1m")
    }

    private mutating func take(url: String) throws(UsageError) {
        let wrong = UsageError(description: "--url wants ws://HOST:PORT/PATH")
        guard url.hasPrefix("ws://") else { throw wrong }
        let rest = url.dropFirst(5)
        let authority = rest.prefix { $0 != "/" }
        guard let colon = authority.lastIndex(of: ":"),
            let port = UInt16(authority[authority.index(after: colon)...]), port > 0
        else { throw wrong }
        host = String(authority[..<colon])
        self.port = port
        path = rest.count > authority.count ? String(rest.dropFirst(authority.count)) : "/"
    }
}
