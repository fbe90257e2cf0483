// OptionParser: the command line of a run, flag by flag.
//
//   --name value   --name=value   -c value          an unknown flag or a wrong value is exit code 2
//
// Thread: pure functions.  Allocates: freely, before the run.

import Loop
import WS

enum OptionParser {
    /// Nil when help is wanted.
    static func parse(_ arguments: ArraySlice<String>) throws(UsageError) -> BenchOptions? {
        var options = BenchOptions()
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "-h" || argument == "--help" { return nil }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false
            )
            .map(String.init)
            let name = longName[parts[0]] ?? parts[0]
            if let key = switches[name] {
                guard parts.count == 1 else {
                    throw UsageError(description: "\(name) takes no value")
                }
                options[keyPath: key] = true
                continue
            }
            guard flags.contains(name) else {
                throw UsageError(description: "unknown flag \(name)")
            }
            guard let text = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw UsageError(description: "\(name) has no value")
            }
            let value = OptionValue(flag: name, text: text)
            try takeWork(value, &options)
            try takeTarget(value, &options)
            try takeOutput(value, &options)
        }
        try check(options)
        return options
    }

    private static let longName = [
        "-c": "--connections", "-R": "--rate", "-d": "--duration", "-H": "--header",
        "-k": "--insecure",
    ]

    private static var switches: [String: WritableKeyPath<BenchOptions, Bool>] {
        [
            "--insecure": \.isInsecure, "--quiet": \.isQuiet, "--floor": \.measuresFloor,
            "--skip-negotiation": \.skipsNegotiation, "--plain": \.isPlain, "--pin": \.isPinned,
        ]
    }

    private static let flags: Set<String> = [
        "--scenario", "--connections", "--rate", "--duration", "--warm-up", "--ramp", "--opening",
        "--bytes", "--window", "--slow", "--newcomers", "--publish", "--channel", "--target",
        "--echo",
        "--method", "--url", "--hub-path", "--header", "--ca", "--token", "--token-secret",
        "--issuer", "--audience", "--users", "--server-pid", "--pods", "--processes", "--source",
        "--output", "--hdr-log", "--threshold", "--keep",
    ]

    /// What is done.
    private static func takeWork(
        _ value: OptionValue, _ options: inout BenchOptions
    ) throws(UsageError) {
        switch value.flag {
        case "--scenario": options.scenario = try value.choice()
        case "--connections": options.connectionCount = try value.count(1...1_000_000)
        case "--rate":
            options.rate = value.text == "max" ? .most : .perSecond(try value.rate())
        case "--duration": options.duration = try value.duration()
        case "--warm-up": options.warmUp = value.text == "0" ? .zero : try value.duration()
        case "--ramp": options.rampPerSecond = try value.rate()
        case "--opening": options.openingCountMax = try value.count(1...10_000)
        case "--bytes": options.byteCount = try value.count(0...(1 << 20))
        case "--window": options.window = try value.count(1...1000)
        case "--newcomers": options.newcomerCount = try value.count(1...100_000)
        case "--slow": options.slowShare = try value.share()
        case "--publish": options.publish = try publish(value)
        case "--channel": options.channel = value.text
        case "--target": options.target = value.text
        case "--echo": options.echo = try value.choice()
        case "--method": options.method = value.text
        default: break
        }
    }

    /// Against whom, and by whom.
    private static func takeTarget(
        _ value: OptionValue, _ options: inout BenchOptions
    ) throws(UsageError) {
        switch value.flag {
        case "--url": options.urls.append(try url(value))
        case "--hub-path":
            guard value.text.hasPrefix("/") else { throw value.wants("a path such as /hubs/x") }
            options.hubPath = value.text
        case "--header":
            guard value.text.contains(":") else { throw value.wants("NAME: VALUE") }
            options.headers.append(value.text)
        case "--ca": options.authorityFile = value.text
        case "--token": options.token = value.text
        case "--token-secret": options.tokenSecret = value.text
        case "--issuer": options.issuer = value.text
        case "--audience": options.audience = value.text
        case "--users": options.userCount = try value.count(1...1_000_000)
        case "--server-pid":
            options.serverProcesses.append(Int32(try value.count(1...Int(Int32.max))))
        case "--pods": options.podCount = try value.count(1...64)
        case "--processes": options.processCount = try value.count(1...64)
        case "--source":
            guard SourceAddresses.make(value.text, agent: 0) != nil else {
                throw value.wants("A.B.C.D/N with N from 8 to 24, or addresses between commas")
            }
            options.source = value.text
        default: break
        }
    }

    private static func takeOutput(
        _ value: OptionValue, _ options: inout BenchOptions
    ) throws(UsageError) {
        switch value.flag {
        case "--output": options.output = try value.choice()
        case "--hdr-log": options.histogramLog = value.text
        case "--threshold": options.thresholds.append(value.text)
        case "--keep": options.keepDirectory = value.text
        default: break
        }
    }

    private static func publish(_ value: OptionValue) throws(UsageError) -> PublishWay {
        if value.text.hasPrefix("invoke:"), value.text.count > 7 {
            return .invoke(method: String(value.text.dropFirst(7)))
        }
        guard value.text.hasPrefix("redis://") else {
            throw value.wants("redis://HOST:PORT or invoke:METHOD")
        }
        let place = OptionValue(flag: value.flag, text: String(value.text.dropFirst(8)))
        let (host, port) = try place.address()
        return .redis(host: host, port: port)
    }

    private static func url(_ value: OptionValue) throws(UsageError) -> TargetURL {
        do throws(HTTPURLError) {
            return try TargetURL(value.text)
        } catch {
            throw value.wants("ws://HOST:PORT/PATH or wss://HOST:PORT/PATH")
        }
    }

    /// What contradicts.
    private static func check(_ options: BenchOptions) throws(UsageError) {
        func refuse(_ text: String) throws(UsageError) { throw UsageError(description: text) }
        if !options.urls.isEmpty, options.podCount != nil {
            try refuse("--pods starts servers and --url names one; give one of them")
        }
        if options.urls.isEmpty, !options.serverProcesses.isEmpty {
            try refuse("--server-pid belongs to --url; bench knows the servers it starts")
        }
        if !options.urls.isEmpty, options.measuresFloor {
            try refuse("--floor is measured beside servers that bench starts; leave --url out")
        }
        if options.isPinned, ProcessSetup.processorCount < 2 {
            try refuse("--pin needs two cores: one for the servers, one for the load")
        }
        if options.token != nil, options.tokenSecret != nil {
            try refuse("--token is one token for all and --token-secret makes one each; choose")
        }
        if options.isInsecure, options.authorityFile != nil {
            try refuse("--insecure trusts anybody, --ca somebody; choose")
        }
        if options.connectionCount < options.agentCount {
            try refuse("--processes wants a connection for each; lower it or raise --connections")
        }
        if let byteCount = options.byteCount, byteCount < BroadcastRecord.byteCountMin,
            options.scenario != .echo
        {
            try refuse("--bytes wants at least \(BroadcastRecord.byteCountMin) for a broadcast")
        }
    }
}
