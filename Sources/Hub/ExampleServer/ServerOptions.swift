// ServerOptions: the flags of hub-server, and what follows from them for loops and HTTP.
//
// Thread: a pure value.

import Hub
import Loop
import WS

/// A command line that makes no sense.
struct UsageError: Error {
    let description: String
}

struct ServerOptions {
    var host = "127.0.0.1"
    var port: UInt16 = 0
    var threadCount = 1
    /// Where other pods are met; nil for a pod on its own.
    var redis: RedisOptions?
    /// 32 bytes, the same in all pods, so that each takes connection tokens of the others.
    var secret: [UInt8]?
    /// Shortens every time of every hub, so that tests of them do not take long.
    var isFast = false
    /// Of every hub.
    var compression = WSCompression()

    static let help = """
        usage: hub-server [flags]

        Serves SignalR hubs on /hub, /detailed, /parallel and others.

          --host HOST          address to listen on, default 127.0.0.1
          --port N             default 0, which takes a free port
          --threads N          event loops, default 1
          --redis URL          joins other pods: redis://HOST:PORT/0
          --secret HEX         64 digits, the same in all pods
          --fast               time-outs of one or two seconds
          --deflate            agree to permessage-deflate
          -h, --help           this text
        """

    /// What is not about hubs.
    var limits: Limits {
        var limits = Limits()
        if isFast { limits.writeStallTimeout = .seconds(2) }
        return limits
    }

    var http: HTTPConfiguration {
        var http = HTTPConfiguration()
        http.limits.bodyByteCountMax = ExampleHubs.messageByteCountMax
        return http
    }

    /// What every hub has, before its own options.
    var hub: HubOptions {
        var hub = HubOptions()
        hub.transports = HubTransport.allCases
        hub.keepsRequest = true
        hub.webSocket.messageByteCountMax = ExampleHubs.messageByteCountMax
        hub.compression = compression
        if isFast {
            hub.handshakeTimeout = .seconds(1)
            hub.keepAliveInterval = .seconds(1)
            hub.clientTimeout = .seconds(2)
            hub.negotiatedLifetime = .seconds(2)
            hub.disconnectTimeout = .seconds(2)
            hub.pollTimeout = .seconds(2)
        }
        return hub
    }

    /// Nil when help is wanted.
    static func parse(_ arguments: ArraySlice<String>) throws(UsageError) -> ServerOptions? {
        var options = ServerOptions()
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "-h" || argument == "--help" { return nil }
            if argument == "--fast" {
                options.isFast = true
                continue
            }
            if argument == "--deflate" {
                options.compression.isOn = true
                continue
            }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false
            ).map(String.init)
            guard flagsWithValue.contains(parts[0]) else {
                throw UsageError(description: "unknown flag \(parts[0])")
            }
            guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                throw UsageError(description: "\(parts[0]) needs a value")
            }
            try options.set(parts[0], value)
        }
        return options
    }

    private static let flagsWithValue: Set = [
        "--host", "--port", "--threads", "--redis", "--secret",
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
        case "--redis":
            do throws(RedisOptionsError) {
                redis = try RedisOptions(value)
            } catch {
                throw UsageError(description: "--redis: \(error)")
            }
        case "--secret":
            guard let bytes = Self.bytes(hex: value), bytes.count == 32 else {
                throw UsageError(description: "--secret wants 64 hexadecimal digits")
            }
            secret = bytes
        default: preconditionFailure("\(name) is listed and not handled")
        }
    }

    private static func bytes(hex text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(digits[index] << 4 | digits[index + 1])
        }
    }
}
