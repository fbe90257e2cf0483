// Ingress: what stands between the clients and us, and how far we believe it.
//
//   client ── https://shop.example/shop/api/orders ──▶ ingress ── http://pod:8080/api/orders ──▶ us
//             scheme, host, base path                   trusted proxies, the headers they set
//
// Thread: a pure value, the same for every loop.

import Loop

public struct Ingress: Sendable {
    /// A header that tells who a request comes from, and where it was sent. The raw value is its name.
    public enum Header: String, Hashable, Sendable, CaseIterable {
        case forwardedFor = "x-forwarded-for"
        case forwardedProto = "x-forwarded-proto"
        case forwardedHost = "x-forwarded-host"
        case forwarded = "forwarded"
    }

    /// Whose headers count; those of other peers are ignored.
    public var proxies = TrustedNetworks.none
    /// Those the proxies set or append to. The others pass through them as clients have written them,
    /// so they are ignored even from a proxy.
    public var headers: Set<Header> = [.forwardedFor, .forwardedProto]
    /// In front of every path as the world knows it: "/shop"; empty for none. A proxy may take it off or
    /// leave it on.
    public var basePath = ""

    public init() {}
}
