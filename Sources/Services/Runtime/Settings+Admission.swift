// Settings+Admission: the rows of the table that say how many may come, how fast, and what a late loop
// turns away. Their effects: docs/LIMITS.md.
//
// Nothing that counts by user or address is on by default. Behind a proxy that nobody has named, all
// clients have one address; and how many orders an honest user sends, only who runs the shop knows.
//
// Thread: constants.

import Hub
import Loop

/// What connections and requests are held to, beside the limits of the hub and of each loop.
public struct AdmissionSettings: Sendable {
    public var rules = Admission.Rules()
    /// Of each loop; nil: no limit.
    public var acceptRate: RateLimit?
    public var addressRequestRate: RateLimit?
    public var orderRate: RateLimit?
    /// Averages of a loop's lag; zero: never.
    public var lagPosts: Duration = .zero
    public var lagConnections: Duration = .zero
}

extension Settings {
    static let admission: [Setting] = admissionCounts + admissionRates + admissionLag

    private static let admissionCounts: [Setting] = [
        .integer(
            "limits.process-connections", \.admission.rules.connectionCountMax,
            in: 0...10_000_000, default: "0",
            "Connections of all loops together; more are told 503 and closed; 0: no limit"),
        .integer(
            "limits.address-connections", \.admission.rules.connectionCountPerAddressMax,
            in: 0...10_000_000, default: "0",
            "The same for one IPv4 address or IPv6 /64; 0: no limit"),
        .integer(
            "limits.user-connections", \.hub.userConnectionCountMax, in: 0...1_000_000,
            default: "0", "Hub connections of one user to this process; more are 429; 0: no limit"),
        .integer(
            "limits.sessions", \.hub.sessionCountMax, in: 0...10_000_000, default: "32768",
            "Hub connections of this process that can be without a socket; more are 503"),
    ]

    private static let admissionRates: [Setting] = [
        .rate(
            "limits.accept-rate", \.admission.acceptRate,
            "New connections of one loop, such as 200/s or 200/s:500; more wait; 0: no limit"),
        .rate(
            "limits.address-accept-rate", \.admission.rules.connectionRatePerAddress,
            "New connections of one address; more are told 503 and closed"),
        .rate(
            "limits.address-request-rate", \.admission.addressRequestRate,
            "Requests of one address; more are 429"),
        .rate(
            "limits.connect-rate", \.hub.connectRate,
            "Hub connections that one user may ask for; more are 429"),
        .rate(
            "limits.order-rate", \.admission.orderRate, "Orders of one user; more are 429"),
        .rate(
            "limits.message-rate", \.hub.messageRate, intervalMax: .seconds(1),
            "Hub messages of one client; beyond it the client is read more slowly"),
    ]

    private static let admissionLag: [Setting] = [
        .duration(
            "limits.lag-posts", \.admission.lagPosts, in: .zero...(.seconds(60)),
            default: "250ms", dev: "0s", "Lag of a loop from which new orders are 503; 0s: never"),
        .duration(
            "limits.lag-connections", \.admission.lagConnections, in: .zero...(.seconds(60)),
            default: "1s", dev: "0s", "Lag of a loop from which new connections wait; 0s: never"),
    ]
}

extension Setting {
    /// - Parameter intervalMax: the longest time in which one token may come.
    fileprivate static func rate(
        _ name: String, _ field: any Field<RateLimit?>,
        intervalMax: Duration = .seconds(3600), _ summary: String
    ) -> Setting {
        Setting(name, "RATE", default: "0", summary) {
            text, configuration throws(SettingValueError) in
            let rate = try SettingValue.rate(text)
            if let rate, rate.intervalMax > intervalMax {
                throw SettingValueError("write at least 1/s")
            }
            configuration[keyPath: field] = rate
        }
    }
}
