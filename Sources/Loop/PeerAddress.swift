// PeerAddress: where the other end of a connection is.
//
// Thread: a pure value.  Allocates: only the text.  Source: RFC 3986 §3.2.2 (brackets).

import CLinux

/// An IP address with the port, where that is known.
public struct PeerAddress: Hashable, Sendable {
    public let ip: IPAddress
    /// 0: unknown, as what stands in front of us did not say.
    public let port: UInt16

    public init(ip: IPAddress, port: UInt16 = 0) {
        self.ip = ip
        self.port = port
    }

    /// As the kernel gave it.
    init(_ peer: clinux_peer) {
        self.init(
            ip: withUnsafeBytes(of: peer.ip) { IPAddress(networkOrder: $0) }, port: peer.port)
    }

    /// Of a socket that is not connected any more.
    static let unknown = PeerAddress(ip: IPAddress(high: 0, low: 0))
}

extension PeerAddress: CustomStringConvertible {
    /// "10.0.0.7:51234", "[fd00::7]:51234", without a port "10.0.0.7".
    public var description: String {
        if port == 0 { return ip.description }
        return ip.isIPv4 ? "\(ip):\(port)" : "[\(ip)]:\(port)"
    }
}
