// RequestOrigin: who sent a request, and to what scheme and host, as far as trusted proxies tell.
//
//   X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.0.0.9        peer 10.0.0.4
//                     a lie        │            │                    │
//                                  │            └── trusted ◀──── trusted, says it was
//                                  └── not trusted: the client ◀──── says it was
//
// Read from the right: each trusted hop vouches for the one before it, and for nothing else.
//
// Thread: a pure value.  Allocates: only where a trusted proxy has set a header.
// Source: RFC 7239 §5, §7.1, §8.1; X-Forwarded-* as nginx, HAProxy and Envoy write them.

import Loop

/// The scheme of a request's URL as its client knows it.
public enum RequestScheme: String, Sendable { case http, https }

struct RequestOrigin: Equatable, Sendable {
    private(set) var client: PeerAddress
    private(set) var scheme: RequestScheme
    /// Nil: Host says it.
    private(set) var host: String?
    /// A trusted proxy has said that it passes on somebody's request.
    private(set) var isForwarded = false

    /// - Parameters:
    ///   - peer: the other end of the connection.
    ///   - isEncrypted: the connection's own TLS.
    init(
        _ head: RequestHead, _ bytes: [UInt8], peer: PeerAddress, isEncrypted: Bool,
        ingress: Ingress
    ) {
        client = peer
        scheme = isEncrypted ? .https : .http
        guard ingress.proxies.contains(peer.ip) else { return }
        if ingress.headers.contains(.forwarded) {
            guard let elements = ForwardedElement.list(in: head, bytes) else { return }
            let hopCount = walk(elements.map { $0.node ?? [] }, ingress.proxies)
            isForwarded = hopCount > 0
            take(scheme: Self.value(elements.map(\.scheme), hopCount))
            take(host: Self.value(elements.map(\.host), hopCount))
        } else {
            let nodes = Self.list(.forwardedFor, head, bytes, ingress)
            let hopCount = walk(nodes, ingress.proxies)
            isForwarded = hopCount > 0
            take(scheme: Self.value(Self.list(.forwardedProto, head, bytes, ingress), hopCount))
            take(host: Self.value(Self.list(.forwardedHost, head, bytes, ingress), hopCount))
        }
    }

    /// Goes from the peer to the client, and returns how many hops that took.
    private mutating func walk(_ nodes: [ArraySlice<UInt8>], _ proxies: TrustedNetworks) -> Int {
        var hopCount = 0
        for node in nodes.reversed() {
            guard proxies.contains(client.ip) else { break }
            hopCount += 1
            // "unknown", a hidden name or nonsense: the proxy that wrote it is the last one known.
            guard let address = PeerAddress(node: node.span) else { break }
            client = address
        }
        return hopCount
    }

    /// What the trusted hop that is nearest to the client has written: a proxy appends, or it writes one
    /// value for all that lie behind it.
    private static func value(
        _ values: [ArraySlice<UInt8>?], _ hopCount: Int
    ) -> ArraySlice<UInt8>? {
        values.suffix(max(hopCount, 1)).first ?? nil
    }

    /// What is no scheme of ours changes nothing.
    private mutating func take(scheme text: ArraySlice<UInt8>?) {
        switch text.map({ String(decoding: $0.map(\.lowercased), as: UTF8.self) }) {
        // Some proxies name the scheme of a WebSocket's URL.
        case "https", "wss": scheme = .https
        case "http", "ws": scheme = .http
        default: break
        }
    }

    private mutating func take(host text: ArraySlice<UInt8>?) {
        guard let text else { return }
        let bytes = Array(text)
        guard RequestTarget.isHost(ByteRange(0, bytes.count), bytes.span) else { return }
        host = String(decoding: bytes, as: UTF8.self)
    }

    /// The elements of all fields of that name, in order; empty if the proxies do not set it.
    private static func list(
        _ header: Ingress.Header, _ head: RequestHead, _ bytes: [UInt8], _ ingress: Ingress
    ) -> [ArraySlice<UInt8>] {
        guard ingress.headers.contains(header) else { return [] }
        let name = HeaderName(header)
        var elements: [ArraySlice<UInt8>] = []
        for field in head.fields where field.name == name {
            var start = Int(field.valueRange.start)
            while start <= field.valueRange.end {
                let (element, next) = bytes.span.listElement(at: start, end: field.valueRange.end)
                elements.append(bytes[element.indices])
                start = next
            }
        }
        return elements
    }
}

extension HeaderName {
    init(_ header: Ingress.Header) {
        self =
            switch header {
            case .forwardedFor: .forwardedFor
            case .forwardedProto: .forwardedProto
            case .forwardedHost: .forwardedHost
            case .forwarded: .forwarded
            }
    }
}

extension PeerAddress {
    /// "203.0.113.7", "203.0.113.7:51234", "[2001:db8::7]:51234", "2001:db8::7". Nil for anything else.
    /// A port that is no number is unknown (RFC 7239 §6.2 lets it be hidden).
    init?(node text: borrowing Span<UInt8>) {
        guard text.count > 1 else { return nil }
        var end = text.count
        var port: UInt16 = 0
        let isBracketed = text[0] == 0x5B
        if let colon = text.lastColon, isBracketed ? text[colon - 1] == 0x5D : text.hasOneColon {
            port = text.port(from: colon + 1)
            end = colon
        }
        if isBracketed {
            guard end > 2, text[end - 1] == 0x5D else { return nil }
            let inside = text.extracting(1..<end - 1)
            // Brackets are for colons.
            guard inside.lastColon != nil, let ip = IPAddress(inside) else { return nil }
            self.init(ip: ip, port: port)
        } else {
            guard let ip = IPAddress(text.extracting(..<end)) else { return nil }
            self.init(ip: ip, port: port)
        }
    }
}

extension Span<UInt8> {
    /// Never at the front, where no address has one.
    fileprivate var lastColon: Int? {
        for index in indices.reversed() where index > 0 && self[index] == .colon { return index }
        return nil
    }

    fileprivate var hasOneColon: Bool {
        var count = 0
        for index in indices where self[index] == .colon { count += 1 }
        return count == 1
    }

    fileprivate func port(from start: Int) -> UInt16 {
        var port = 0
        for index in start..<count {
            guard self[index].isDigit else { return 0 }
            port = port * 10 + Int(self[index] - 0x30)
            if port > 65_535 { return 0 }
        }
        return UInt16(port)
    }
}
