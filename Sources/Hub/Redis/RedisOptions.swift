// RedisOptions: which Redis to talk to, as whom, and how long to wait for it.
//
//   localhost:6379,password=…,ssl=True,abortConnect=False     StackExchange.Redis
//   redis://user:password@host:6379/0   rediss://…            RFC 3986, as redis-cli takes it
//   redis+sentinel://host:26379,host:26379/mymaster/0
//
// The texts are read by RedisOptions+StackExchange and RedisOptions+URL.
//
// Thread: a pure value.

import Loop

public struct RedisOptions: Equatable, Sendable {
    public struct Server: Equatable, Sendable {
        public var host: String
        public var port: UInt16
        public init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
        var text: String { Endpoint(host: host, port: port).text }
    }

    /// How the connection is encrypted.
    public struct TLS: Equatable, Sendable {
        public var verification = TLSClientContext.Verification.full
        /// PEM files; nil trusts the system's authorities and shows no certificate.
        public var authorityFile: String?
        public var certificateFile: String?
        public var keyFile: String?
        public init() {}
    }

    /// Tried in this order; the sentinels if `sentinelMaster` is set. Never empty.
    public var servers: [Server]
    /// The name under which the sentinels know the master.
    public var sentinelMaster: String?
    /// ACL user; nil is Redis' own `default`.
    public var user: String?
    public var password: String?
    /// 0 or more; has no meaning for pub/sub.
    public var database = 0
    /// Nil: plain TCP.
    public var tls: TLS?
    /// What CLIENT LIST shows.
    public var clientName: String?
    /// Put in front of every channel's name by the backplane.
    public var channelPrefix: String?
    /// From the dial to the last reply of the handshake, per server.
    public var connectTimeout: Duration = .seconds(5)
    /// A command's deadline where the connection string gives one; else its sender decides.
    public var commandTimeout: Duration?
    /// Silence after which a PING asks whether the server is there.
    public var heartbeatInterval: Duration = .seconds(3)
    /// How long the PING's reply may take before the server counts as stalled.
    public var heartbeatTimeout: Duration = .seconds(1)
    /// How long a stalled server may stay silent before its connection is given up.
    public var stallTimeout: Duration = .seconds(5)
    /// Commands without a reply on one connection; more fail at once.
    public var inFlightCountMax = 10_000
    /// Bytes of one reply or pushed message; a longer one ends the connection.
    public var replyByteCountMax = 16 * 1024 * 1024
    /// The setting these options were read from, named in errors and log lines.
    public var settingName = "--state"

    public init(servers: [Server]) {
        precondition(!servers.isEmpty)
        self.servers = servers
    }

    /// Reads any of the forms above.
    public init(_ text: String) throws(RedisOptionsError) {
        if text.contains("://") {
            self = try Self(url: text)
        } else {
            self = try Self(stackExchange: text)
        }
    }

    /// The servers without user and password, for logs: `redis:6379`.
    public var text: String {
        let list = servers.map(\.text).joined(separator: ",")
        return sentinelMaster.map { "\($0) by sentinels \(list)" } ?? list
    }
}

/// What is wrong with a connection string and how to write it; never contains the password.
public struct RedisOptionsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension RedisOptions.Server {
    /// Reads `host`, `host:port`, `[::1]:port`. No error quotes more than the host: in a string with a
    /// mistake, what looks like a port may be a part of the password.
    init(parsing text: Substring, defaultPort: UInt16) throws(RedisOptionsError) {
        var host = text
        var port: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            if rest.hasPrefix(":") { port = rest.dropFirst() } else if !rest.isEmpty { host = "" }
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            // An IPv6 address needs brackets, or its end would be taken for the port.
            if host.contains(":") { host = "" }
        }
        let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard !host.isEmpty, isName, !host.contains("/"), !host.contains("@") else {
            throw RedisOptionsError("no host: write host:port, or [address]:port for IPv6")
        }
        let number = port.map { UInt16($0) } ?? defaultPort
        guard let number, number > 0 else {
            throw RedisOptionsError("the port of '\(host)' is not a number of 1 to 65535")
        }
        self.init(host: String(host), port: number)
    }
}
