// RedisOptions+StackExchange: connection strings as the .NET services have them.
//
//   redis:6379,redis2:6379,password=…,user=…,ssl=True,abortConnect=False,serviceName=mymaster
//   hosts              then options, in any order and any case
//
// Options of StackExchange.Redis that steer what we decide ourselves are read over; what is not an
// option of it is refused, because a misspelt `pasword=` would be found out much later.
//
// Thread: pure functions.
// Source: StackExchange.Redis, docs/Configuration.md, "Configuration Options".

import Loop

extension RedisOptions {
    /// Options that are understood and have no effect here: we always reconnect, never use its admin
    /// commands, and know one protocol version.
    static let ignoredOptions: Set<String> = [
        "abortconnect", "allowadmin", "checkcertificaterevocation", "configchannel",
        "configcheckseconds", "connectretry", "heartbeatconsistencychecks", "heartbeatinterval",
        "highintegrity", "highprioritythreads", "includedetailinexceptions", "keepalive",
        "preserveasyncorder", "protocol", "resolvedns", "setlib", "sslprotocols", "tiebreaker",
        "version", "writebuffer",
    ]

    init(stackExchange text: String) throws(RedisOptionsError) {
        var hosts: [Substring] = []
        var options: [(name: String, value: String)] = []
        for part in text.split(separator: ",") {
            let item = part.trimmed
            if item.isEmpty { continue }
            guard let equals = item.firstIndex(of: "=") else {
                guard options.isEmpty else { throw Self.strayPart }
                hosts.append(item)
                continue
            }
            let value = item[item.index(after: equals)...].trimmed
            options.append((item[..<equals].trimmed.lowercased(), String(value)))
        }
        guard !hosts.isEmpty else {
            throw RedisOptionsError(
                "no host: write host:port[,host:port],password=…,ssl=True, or \(Self.urlForm)")
        }
        let isEncrypted = options.contains { $0.name == "ssl" && Self.boolean($0.value) == true }
        let isSentinel = options.contains { $0.name == "servicename" && !$0.value.isEmpty }
        let defaultPort: UInt16 = isSentinel ? 26379 : isEncrypted ? 6380 : 6379
        var servers: [Server] = []
        for host in hosts { servers.append(try Server(parsing: host, defaultPort: defaultPort)) }
        self.init(servers: servers)
        var isAfterPassword = false
        for (name, value) in options {
            guard try read(name, value) else {
                throw isAfterPassword ? Self.strayPart : Self.unknownOption(name)
            }
            isAfterPassword = name == "password"
        }
        if user != nil, password == nil {
            throw RedisOptionsError("a user without a password: add password=…")
        }
    }

    /// What stands behind a password may be its end, and is not quoted.
    private static let strayPart = RedisOptionsError(
        "a part that is no option: write the hosts first; a password with a comma needs the form "
            + urlForm + " with %2C")

    private static func unknownOption(_ name: String) -> RedisOptionsError {
        RedisOptionsError(
            "unknown option '\(name)': known are password, user, ssl, defaultDatabase,"
                + " connectTimeout, syncTimeout, serviceName, name, channelPrefix;"
                + " other options of StackExchange.Redis are ignored")
    }

    /// False for an option nobody knows.
    private mutating func read(
        _ name: String, _ value: String
    ) throws(RedisOptionsError) -> Bool {
        switch name {
        case "password": password = value.isEmpty ? nil : value
        case "user": user = value.isEmpty ? nil : value
        case "ssl":
            guard let isOn = Self.boolean(value) else {
                throw RedisOptionsError("'ssl=\(value)' is neither True nor False")
            }
            tls = isOn ? TLS() : nil
        case "defaultdatabase": database = try Self.number(name, value, 0...Int(Int32.max))
        case "connecttimeout":
            connectTimeout = .milliseconds(try Self.number(name, value, 1...3_600_000))
        // An unset one of the two follows the other in StackExchange.Redis as well.
        case "synctimeout", "asynctimeout", "responsetimeout":
            commandTimeout = .milliseconds(try Self.number(name, value, 1...3_600_000))
        case "servicename": sentinelMaster = value.isEmpty ? nil : value
        case "name": clientName = value.isEmpty ? nil : value
        case "channelprefix": channelPrefix = value.isEmpty ? nil : value
        case "sslhost", "proxy", "tunnel":
            throw RedisOptionsError(
                "'\(name)' is not supported: name the host itself, as its certificate does")
        // `$CLIENT=` switches a command off; the only one we could do without is CLIENT.
        case "$client" where value.isEmpty: clientName = nil
        case _ where Self.ignoredOptions.contains(name): break
        default: return false
        }
        return true
    }

    private static func number(
        _ name: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(RedisOptionsError) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw RedisOptionsError(
                "'\(name)=\(value)' is not a number of \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func boolean(_ value: String) -> Bool? {
        switch value.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
