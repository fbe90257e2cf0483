// SourceAddresses: addresses of this machine that connections come from, in turn.
//
//   127.0.0.0/8, agent 2 of 3  ─▶  127.1.3.1 … 127.1.3.16
//
// One address has some 28,000 ports (net.ipv4.ip_local_port_range), and a closed connection keeps its
// port for a minute; sixteen addresses per agent are enough for any of them to forget about it.
//
// Thread: pure functions.  Allocates: the texts.

enum SourceAddresses {
    static let countPerAgent = 16

    /// - Parameter network: `A.B.C.D/N` with N at most 24, or addresses between commas; nil if it is
    ///   neither.
    static func make(_ network: String, agent: Int) -> [String]? {
        guard network.contains("/") else {
            let addresses = network.split(separator: ",").map(String.init)
            return addresses.isEmpty || !addresses.allSatisfy { number(of: $0) != nil }
                ? nil : addresses
        }
        let parts = network.split(separator: "/")
        guard parts.count == 2, let base = number(of: String(parts[0])), let bits = Int(parts[1]),
            (8...24).contains(bits)
        else { return nil }
        let size = UInt32(1) << UInt32(32 - bits)
        let start = base & ~(size - 1)
        // Away from the lowest ones, which servers like to listen on.
        let first = (UInt32(agent) + 1) * 256 + 1
        return (0..<UInt32(countPerAgent)).map { text(of: start + (first + $0) % size) }
    }

    private static func number(of address: String) -> UInt32? {
        let parts = address.split(separator: ".", omittingEmptySubsequences: false)
            .compactMap { UInt8($0) }
        return parts.count == 4 ? parts.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    private static func text(of number: UInt32) -> String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
}
