// EchoOptions: the flags of echo-server.
//
// Thread: a pure value.

import WS

/// A command line that makes no sense.
struct UsageError: Error {
    let description: String
}

struct EchoOptions {
    var host = "127.0.0.1"
    var port: UInt16 = 9001
    var threadCount = 1
    /// PEM files; nil serves plain TCP.
    var tls: (certificateFile: String, keyFile: String)?
    /// Bytes of one WebSocket message.
    var messageByteCountMax = 16 << 20
    /// Bytes of one HTTP body.
    var bodyByteCountMax = 16 << 20
    var compression = WSCompression()
    /// Of a WebSocket whose peer answers no ping.
    var silenceMax: Duration = .seconds(30)

    static let help = """
        usage: echo-server [flags]

        Sends back every WebSocket message on every path, and the body of POST /echo.

          --host HOST          address to listen on, default 127.0.0.1
          --port N             default 9001; 0 takes a free port
          --threads N          event loops, default 1
          --tls                serve TLS; needs --cert and --key
          --cert FILE          certificate chain, PEM
          --key FILE           private key, PEM
          --message-max SIZE   largest WebSocket message, default 16MiB
          --body-max SIZE      largest HTTP body, default 16MiB
          --deflate            agree to permessage-deflate
          --silence SECONDS    silent WebSocket peers are pinged at half of it, default 30
          -h, --help           this text
        """

    /// Nil when help is wanted.
    static func parse(_ arguments: ArraySlice<String>) throws(UsageError) -> EchoOptions? {
        var options = EchoOptions()
        var wantsTLS = false
        var certificateFile: String?
        var keyFile: String?
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "-h" || argument == "--help" { return nil }
            if argument == "--tls" {
                wantsTLS = true
                continue
            }
            if argument == "--deflate" {
                options.compression.isOn = true
                continue
            }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false
            ).map(String.init)
            let name = parts[0]
            guard flagsWithValue.contains(name) else {
                throw UsageError(description: "unknown flag \(name)")
            }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw UsageError(description: "\(name) needs a value")
            }
            switch name {
            case "--cert": certificateFile = value
            case "--key": keyFile = value
            default: try options.set(name, value)
            }
        }
        if wantsTLS {
            guard let certificateFile, let keyFile else {
                throw UsageError(description: "--tls needs --cert and --key")
            }
            options.tls = (certificateFile, keyFile)
        } else if certificateFile != nil || keyFile != nil {
            throw UsageError(description: "--cert and --key need --tls")
        }
        return options
    }

    private static let flagsWithValue: Set = [
        "--host", "--port", "--threads", "--cert", "--key", "--message-max", "--body-max",
        "--silence",
    ]

    private mutating func set(_ name: String, _ value: String) throws(UsageError) {
        switch name {
        case "--host": host = value
        case "--port":
            guard let number = UInt16(value) else {
                throw UsageError(description: "--port wants a number from 0 to 65535")
            }
            port = number
        case "--threads":
            guard let number = Int(value), (1...64).contains(number) else {
                throw UsageError(description: "--threads wants a number from 1 to 64")
            }
            threadCount = number
        case "--message-max": messageByteCountMax = try Self.size(name, value)
        case "--silence":
            guard let seconds = Int(value), (1...3600).contains(seconds) else {
                throw UsageError(description: "--silence wants seconds from 1 to 3600")
            }
            silenceMax = .seconds(seconds)
        case "--body-max": bodyByteCountMax = try Self.size(name, value)
        default: preconditionFailure("\(name) is listed and not handled")
        }
    }

    /// "65536", "64KiB", "16MiB": from 1 byte to 1 GiB.
    private static func size(_ name: String, _ value: String) throws(UsageError) -> Int {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)]
        let unit = units.first { value.hasSuffix($0.0) }
        let digits = value.dropLast(unit?.0.count ?? 0)
        guard let number = Int(digits), (1...(1 << 30)).contains(number),
            number <= (1 << 30) / (unit?.1 ?? 1)
        else {
            throw UsageError(description: "\(name) wants a size such as 65536, 64KiB or 16MiB")
        }
        return number * (unit?.1 ?? 1)
    }
}
