// IPNetwork: a range of addresses that begin with the same bits, and a list of such ranges.
//
//   10.0.0.0/8     the first 8 of 32 bits; among the 128 of `IPAddress` the first 104
//
// Thread: pure values.  Allocates: the list.  Source: RFC 4632 §3.1 (notation); RFC 1918 and RFC 4193
// (private), RFC 1122 §3.2.1.3 and RFC 4291 §2.5.3 (loopback).

/// An address and how many of its first bits count.
public struct IPNetwork: Hashable, Sendable {
    let base: IPAddress
    /// Of 128; IPv4's prefixes are longer by 96.
    let prefixBitCount: Int

    /// "10.0.0.0/8", "fd00::/8", or a single address. Nil for anything else, and where bits behind
    /// the prefix are set: whoever writes 10.0.0.1/8 means one host or all of them, and does not say.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let base = IPAddress(parts[0]) else { return nil }
        let addressBitCount = base.isIPv4 ? 32 : 128
        var bitCount = addressBitCount
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                parts[1].utf8.first != 0x30 || parts[1].utf8.count == 1,
                let written = Int(parts[1]), written <= addressBitCount
            else { return nil }
            bitCount = written
        }
        self.init(base: base, prefixBitCount: bitCount + 128 - addressBitCount)
        guard contains(base), masked(base) == base else { return nil }
    }

    private init(base: IPAddress, prefixBitCount: Int) {
        self.base = base
        self.prefixBitCount = prefixBitCount
    }

    public func contains(_ address: IPAddress) -> Bool { masked(address) == base }

    /// The address without the bits behind the prefix.
    private func masked(_ address: IPAddress) -> IPAddress {
        IPAddress(
            high: address.high & ~(UInt64.max >> UInt64(min(prefixBitCount, 64))),
            low: address.low & ~(UInt64.max >> UInt64(max(prefixBitCount - 64, 0))))
    }
}

extension IPNetwork: CustomStringConvertible {
    /// As it is read, always with its prefix.
    public var description: String {
        "\(base)/\(base.isIPv4 && prefixBitCount >= 96 ? prefixBitCount - 96 : prefixBitCount)"
    }
}

/// Networks whose word we take for who a client is.
public struct TrustedNetworks: Hashable, Sendable {
    public let networks: [IPNetwork]

    /// Nobody is trusted.
    public static let none = TrustedNetworks([])

    public init(_ networks: [IPNetwork]) { self.networks = networks }

    /// Networks and the names `loopback` and `private`, with commas between. Nil if one of them is
    /// neither.
    public init?(_ text: String) {
        var networks: [IPNetwork] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            switch part.trimmingSpaces {
            case "loopback": networks += Self.loopback
            case "private": networks += Self.privateUse
            case let name:
                guard let network = IPNetwork(String(name)) else { return nil }
                networks.append(network)
            }
        }
        self.init(networks)
    }

    public var isEmpty: Bool { networks.isEmpty }

    public func contains(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    private static let loopback = ["127.0.0.0/8", "::1"].map { IPNetwork($0)! }
    private static let privateUse =
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"].map { IPNetwork($0)! }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let front = drop { $0 == " " }
        let end = front.lastIndex { $0 != " " }
        return end.map { front[...$0] } ?? front[..<front.startIndex]
    }
}
