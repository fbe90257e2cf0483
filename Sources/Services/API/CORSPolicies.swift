// CORSPolicies: which pages of other origins may call which part of us.
//
//   /api    no credentials: the token travels in a header     Location and X-Correlation-Id readable
//   /hubs   credentials: SignalR clients send them by default
//   /dev    the same, for signing in
//
// Thread: pure.  Source: the policies of the .NET system's two services.

import WS

public enum CORSPolicies {
    public static func policies(
        origins: [String]
    ) -> [(prefix: String, policy: CORSPolicy)] {
        let api = CORSPolicy(
            allowedOrigins: origins,
            exposedHeaders: ["Location", "X-Correlation-Id", "Retry-After"])
        let hub = CORSPolicy(allowedOrigins: origins, allowsCredentials: true)
        return [("/api", api), ("/hubs", hub), ("/dev", hub)]
    }
}
