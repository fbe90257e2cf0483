// SocketAddress: where connect(2) leads, IPv4 or IPv6.
//
// Thread: a pure value; `resolve` blocks and is for helper threads.  Allocates: the list of results.
// Source: man 3 getaddrinfo (RFC 6724 sorts its results).

import CLinux
import Glibc

struct SocketAddress: Sendable {
    private var address: clinux_address

    /// Nil unless `host` is a numeric address ("10.0.0.7", "::1", "fe80::1%eth0"). Asks nobody.
    init?(numeric host: String, port: UInt16) {
        address = clinux_address()
        if clinux_resolve(host, port, 1, &address, 1) != 1 { return nil }
    }

    private init(_ address: clinux_address) { self.address = address }

    /// All addresses of a name, best first. Blocks for as long as the system's resolver does.
    static func resolve(
        _ host: String, port: UInt16, countMax: Int
    ) throws(DialFailure) -> [SocketAddress] {
        var found = [clinux_address](repeating: clinux_address(), count: countMax)
        let count = clinux_resolve(host, port, 0, &found, Int32(countMax))
        guard count > 0 else {
            throw .unknownHost(String(cString: gai_strerror(count)).lowercased())
        }
        return found.prefix(Int(count)).map { SocketAddress($0) }
    }

    /// A descriptor on its way to this address, or -errno.
    ///
    /// - Parameter source: the address to come from, with port 0; nil lets the kernel choose.
    func startConnect(from source: SocketAddress?, silenceSeconds: Int32) -> Int32 {
        withUnsafePointer(to: address) { address in
            guard let source else { return clinux_start_connect(address, nil, silenceSeconds) }
            return withUnsafePointer(to: source.address) {
                clinux_start_connect(address, $0, silenceSeconds)
            }
        }
    }
}
