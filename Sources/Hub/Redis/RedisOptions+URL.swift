// RedisOptions+URL: connection strings in the form of a URL.
//
//   redis://[user[:password]@]host[:port][/database]
//   rediss://…                                             the same over TLS
//   redis+sentinel://[user[:password]@]host[:port],…/master[/database]      rediss+sentinel://…
//   ?ssl_ca_certs=FILE&ssl_certfile=FILE&ssl_keyfile=FILE&ssl_cert_reqs=required|none
//
// Thread: pure functions.
// Source: IANA's provisional scheme "redis"; the parameters are redis-py's.

import Loop

extension RedisOptions {
    static let urlForm = "redis://[user:password@]host[:port][/database]"

    init(url text: String) throws(RedisOptionsError) {
        let (scheme, rest) = Self.split(text, at: "://")
        var tls: TLS?
        var isSentinel = false
        switch scheme.lowercased() {
        case "redis": break
        case "rediss": tls = TLS()
        case "redis+sentinel": isSentinel = true
        case "rediss+sentinel":
            tls = TLS()
            isSentinel = true
        default:
            throw RedisOptionsError(
                "unknown scheme '\(scheme)': write \(Self.urlForm), rediss:// for TLS,"
                    + " redis+sentinel:// for sentinels")
        }
        let (whole, query) = Self.split(rest ?? "", at: "?")
        let (authority, path) = Self.split(whole, at: "/")
        guard authority.contains("@") || rest?.contains("@") != true else {
            throw RedisOptionsError(
                "the password holds a '/' or '?': write them as %2F and %3F")
        }
        // The last @: a password may hold one that was not escaped.
        let at = authority.lastIndex(of: "@")
        let hosts = at.map { authority[authority.index(after: $0)...] } ?? authority
        self.init(servers: try Self.servers(hosts, defaultPort: isSentinel ? 26379 : 6379))
        self.tls = tls
        if let at { try readUser(authority[..<at]) }
        try readPath(path ?? "", isSentinel: isSentinel)
        if let query { try readQuery(query) }
    }

    private static func servers(
        _ text: Substring, defaultPort: UInt16
    ) throws(RedisOptionsError) -> [Server] {
        var servers: [Server] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            servers.append(try Server(parsing: part, defaultPort: defaultPort))
        }
        return servers
    }

    private mutating func readUser(_ text: Substring) throws(RedisOptionsError) {
        let (name, secret) = Self.split(text, at: ":")
        guard let secret, !secret.isEmpty else {
            throw RedisOptionsError(
                "a user without a password: write \(Self.urlForm),"
                    + " or redis://:password@host for a password alone")
        }
        guard let user = Self.unescaped(name), let password = Self.unescaped(secret) else {
            throw RedisOptionsError(
                "user or password has a '%' that is not followed by two hex digits: write %25 for it"
            )
        }
        self.user = user.isEmpty ? nil : user
        self.password = password
    }

    private mutating func readPath(
        _ path: Substring, isSentinel: Bool
    ) throws(RedisOptionsError) {
        var numberText: Substring? = path
        if isSentinel {
            let (name, number) = Self.split(path, at: "/")
            guard !name.isEmpty else {
                throw RedisOptionsError(
                    "no master's name: write redis+sentinel://host:port,host:port/name[/database]")
            }
            sentinelMaster = String(name)
            numberText = number
        }
        guard let numberText, !numberText.isEmpty else { return }
        guard let number = Int(numberText), number >= 0, number < 1 << 31 else {
            throw RedisOptionsError(
                "'/\(numberText)' is no database number: write \(Self.urlForm), like redis://host/0"
            )
        }
        database = number
    }

    private mutating func readQuery(_ query: Substring) throws(RedisOptionsError) {
        for parameter in query.split(separator: "&") {
            let (name, escaped) = Self.split(parameter, at: "=")
            guard var tls else {
                throw RedisOptionsError(
                    "parameters are for TLS only: write rediss:// instead of redis://")
            }
            let value = escaped.flatMap { Self.unescaped($0) } ?? ""
            guard !value.isEmpty else { throw RedisOptionsError("'\(name)' has no value") }
            switch name {
            case "ssl_ca_certs": tls.authorityFile = value
            case "ssl_certfile": tls.certificateFile = value
            case "ssl_keyfile": tls.keyFile = value
            case "ssl_cert_reqs" where value == "required": tls.verification = .full
            case "ssl_cert_reqs" where value == "none": tls.verification = .none
            default:
                throw RedisOptionsError(
                    "unknown parameter '\(name)': known are ssl_ca_certs, ssl_certfile, ssl_keyfile"
                        + " and ssl_cert_reqs=required|none")
            }
            self.tls = tls
        }
    }

    private static func split(
        _ text: some StringProtocol, at mark: String
    ) -> (Substring, Substring?) {
        let whole = Substring(text)
        var start = whole.startIndex
        while start < whole.endIndex {
            if whole[start...].hasPrefix(mark) {
                return (whole[..<start], whole[start...].dropFirst(mark.count))
            }
            start = whole.index(after: start)
        }
        return (whole, nil)
    }

    /// Resolves %XX; nil if it is malformed or the result is not UTF-8.
    private static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let high = hexValue(digits.first!),
                let low = hexValue(digits.last!)
            else { return nil }
            bytes.append(high << 4 | low)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
