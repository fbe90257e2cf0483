// Admission: who may come in through a listener, decided by the address alone.
//
//   accept ─▶ process full? ─▶ trusted proxy: in
//                           ─▶ address too fast, or has too many? ─▶ refused, with the listener's words
//                                          ▲                      ─▶ in, and counted until it closes
//   a proxy names its client (PROXY) ──────┘
//
// A customer's IPv6 connection has at least 2⁶⁴ addresses, so those of one /64 count as one.
//
// Thread: any; one for all loops of a process, behind a lock per connection.
// Allocates: per address with an open connection.  Source: RFC 6177 §2 (what end sites are given).

import Synchronization

public final class Admission: Sendable {
    /// What connections of the whole process are held to. Zero or nil is no limit.
    public struct Rules: Sendable {
        public var connectionCountMax = 0
        public var connectionCountPerAddressMax = 0
        public var connectionRatePerAddress: RateLimit?
        /// Proxies, behind each of which there are many: the rules per address do not hold for them.
        public var trusted = TrustedNetworks.none

        public init() {}

        /// Whether there is a limit at all.
        public var limitsAnything: Bool {
            connectionCountMax > 0 || connectionCountPerAddressMax > 0
                || connectionRatePerAddress != nil
        }
    }

    private let rules: Rules
    private let rates: RateTable?
    private let openCount = Atomic<Int>(0)
    private let openCountByAddress = Mutex<[IPAddress: Int]>([:])

    public init(_ rules: Rules, time: any TimeSource = SystemTime()) {
        self.rules = rules
        rates = rules.connectionRatePerAddress.map { RateTable($0, time: time) }
    }

    /// Counts a connection in; nil if it may stay. Whoever may stay leaves once.
    func enter(_ address: IPAddress) -> ConnectionRefusal? {
        if rules.connectionCountMax > 0,
            openCount.add(1, ordering: .relaxed).newValue > rules.connectionCountMax
        {
            openCount.subtract(1, ordering: .relaxed)
            return .processFull
        }
        let refusal = enterByAddress(address)
        if refusal != nil, rules.connectionCountMax > 0 {
            openCount.subtract(1, ordering: .relaxed)
        }
        return refusal
    }

    private func enterByAddress(_ address: IPAddress) -> ConnectionRefusal? {
        if rules.trusted.contains(address) { return nil }
        let customer = address.customer
        let countMax = rules.connectionCountPerAddressMax
        if countMax > 0 {
            let isIn = openCountByAddress.withLock { counts in
                let count = counts[customer, default: 0]
                if count < countMax { counts[customer] = count + 1 }
                return count < countMax
            }
            if !isIn { return .addressFull }
        }
        if let rates, rates.take(customer) != nil {
            leaveByAddress(address)
            return .addressRate
        }
        return nil
    }

    /// A proxy has named whose connection it is: from now on the client's rules hold for it.
    ///
    /// - Returns: nil if it may stay; otherwise it still counts as the proxy's until it leaves.
    func move(from proxy: IPAddress, to client: IPAddress) -> ConnectionRefusal? {
        if let refusal = enterByAddress(client) { return refusal }
        leaveByAddress(proxy)
        return nil
    }

    /// Takes back one `enter` that let the address in.
    func leave(_ address: IPAddress) {
        if rules.connectionCountMax > 0 { openCount.subtract(1, ordering: .relaxed) }
        leaveByAddress(address)
    }

    private func leaveByAddress(_ address: IPAddress) {
        guard rules.connectionCountPerAddressMax > 0, !rules.trusted.contains(address) else {
            return
        }
        let customer = address.customer
        openCountByAddress.withLock { counts in
            let count = counts[customer, default: 0]
            assert(count > 0, "left more often than entered")
            counts[customer] = count > 1 ? count - 1 : nil
        }
    }
}

extension IPAddress {
    /// Whom limits per address count: an IPv4 address, or all of an IPv6 /64.
    public var customer: IPAddress { isIPv4 ? self : IPAddress(high: high, low: 0) }
}
