// AMQPOptions: which broker, as whom, and how patient; read from one URL.
//
//   amqp[s]://user:password@host:port,host:port/vhost?heartbeat=5&cacertfile=…&verify=verify_none
//
// No text of the URL is ever repeated in an error: an unescaped character can make any part of it a
// piece of the password.
//
// Thread: a pure value.  Allocates: while parsing.
// Source: RabbitMQ URI specification and URI query parameters; RFC 3986 §2.1, §3.

import Loop

/// What is wrong with a broker URL.
public struct AMQPOptionsError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

public struct AMQPOptions: Sendable {
    /// Tried one after the other, starting with the first. Without TLS; see `endpoints`.
    public var hosts: [Endpoint]
    public var user = "guest"
    public var password = "guest"
    public var virtualHost = "/"
    /// Nil: plain TCP.
    public var tls: TLSClientContext.Settings?
    /// Silence of twice this long cuts the connection; 1...60 s. The broker may ask for less.
    public var heartbeat: Duration = .seconds(5)

    public init(hosts: [Endpoint]) { self.hosts = hosts }

    public init(url: String) throws(AMQPOptionsError) {
        guard let schemeEnd = url.firstRange(of: "://") else { throw Self.badScheme }
        let isEncrypted: Bool
        switch url[..<schemeEnd.lowerBound].lowercased() {
        case "amqp": isEncrypted = false
        case "amqps": isEncrypted = true
        default: throw Self.badScheme
        }
        let rest = url[schemeEnd.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let tail = rest[authority.endIndex...]
        if tail.contains("@") {
            throw AMQPOptionsError(
                description: "a '/', '?', '#' or '@' in the broker's user name or password must be "
                    + "percent-encoded (%2F, %3F, %23, %40)")
        }
        hosts = []
        if isEncrypted { tls = TLSClientContext.Settings() }
        try readAuthority(authority, defaultPort: isEncrypted ? 5671 : 5672)
        let path = tail.prefix { $0 != "?" && $0 != "#" }
        try readVirtualHost(path.dropFirst())
        try readQuery(tail[path.endIndex...].dropFirst())
    }

    /// The hosts with the TLS context that all of them share.
    public func endpoints() throws(TLSConfigurationError) -> [Endpoint] {
        guard let tls else { return hosts }
        let context = try TLSClientContext(tls)
        return hosts.map { Endpoint(host: $0.host, port: $0.port, tls: context) }
    }

    private static let badScheme = AMQPOptionsError(
        description: "the broker's URL must begin with amqp:// or amqps://")

    // MARK: Parts

    private mutating func readAuthority(
        _ authority: Substring, defaultPort: UInt16
    ) throws(AMQPOptionsError) {
        var list = authority
        if let at = authority.lastIndex(of: "@") {
            let credentials = authority[..<at]
            list = authority[authority.index(after: at)...]
            let name = credentials.prefix { $0 != ":" }
            user = try Self.decoded(name, "user name")
            if name.endIndex < credentials.endIndex {
                password = try Self.decoded(
                    credentials[credentials.index(after: name.endIndex)...], "password")
            } else {
                password = ""
            }
        }
        for host in list.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try Self.endpoint(host, defaultPort: defaultPort))
        }
    }

    private static func endpoint(
        _ text: Substring, defaultPort: UInt16
    ) throws(AMQPOptionsError) -> Endpoint {
        var name = text.prefix { $0 != ":" }
        var port = text[name.endIndex...]
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw AMQPOptionsError(
                    description: "an IPv6 address in the broker's URL has no ']'")
            }
            name = text[..<end].dropFirst()
            port = text[text.index(after: end)...]
        }
        if name.isEmpty { throw AMQPOptionsError(description: "the broker's URL names no host") }
        if port.isEmpty { return Endpoint(host: String(name), port: defaultPort) }
        guard port.first == ":", let number = UInt16(port.dropFirst()), number > 0 else {
            throw AMQPOptionsError(
                description: "the port in the broker's URL is not a number in 1...65535 "
                    + "(a ':' or '/' in the password must be percent-encoded)")
        }
        return Endpoint(host: String(name), port: number)
    }

    private mutating func readVirtualHost(_ path: Substring) throws(AMQPOptionsError) {
        if path.isEmpty { return }
        virtualHost = try Self.decoded(path, "virtual host")
    }

    private mutating func readQuery(_ query: Substring) throws(AMQPOptionsError) {
        for pair in query.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            let value = try Self.decoded(pair.dropFirst(name.count + 1), "parameters")
            switch name {
            case "heartbeat":
                guard let seconds = Int(value), (1...60).contains(seconds) else {
                    throw AMQPOptionsError(
                        description: "heartbeat in the broker's URL must be 1...60 seconds")
                }
                heartbeat = .seconds(seconds)
            case "cacertfile": tls?.authorityFile = value
            case "certfile": tls?.certificateFile = value
            case "keyfile": tls?.keyFile = value
            case "verify":
                switch value {
                case "verify_peer": tls?.verification = .full
                case "verify_none": tls?.verification = .none
                default:
                    throw AMQPOptionsError(
                        description: "verify in the broker's URL must be verify_peer or verify_none"
                    )
                }
            default:
                throw AMQPOptionsError(
                    description: "the broker's URL has an unknown parameter; known are heartbeat, "
                        + "cacertfile, certfile, keyfile and verify")
            }
        }
    }

    /// Percent-decoded and fit for AMQP, whose short strings hold 255 bytes.
    private static func decoded(
        _ text: Substring, _ what: String
    ) throws(AMQPOptionsError) -> String {
        var bytes: [UInt8] = []
        var input = text.utf8.makeIterator()
        while let byte = input.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = input.next().flatMap(hexValue),
                let low = input.next().flatMap(hexValue)
            else {
                throw AMQPOptionsError(
                    description: "the \(what) in the broker's URL has a '%' without two hex digits")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw AMQPOptionsError(description: "the \(what) in the broker's URL is not UTF-8 text")
        }
        guard bytes.count <= 255 else {
            throw AMQPOptionsError(
                description: "the \(what) in the broker's URL is longer than 255 bytes")
        }
        return decoded
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
