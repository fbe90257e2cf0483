// TargetURL: where the connections go, as a WebSocket or an HTTP URL.
//
//   ws://127.0.0.1:8080/hubs/x      http://127.0.0.1:8080/hubs/x       the same place
//   wss://127.0.0.1:8443/hubs/x     https://127.0.0.1:8443/hubs/x      the same place, over TLS
//
// Thread: a pure value.  Allocates: its texts.  Source: RFC 6455 §3.

import WS

struct TargetURL: Equatable, Sendable, CustomStringConvertible {
    /// With http for ws and https for wss.
    let http: HTTPURL

    init(_ http: HTTPURL) { self.http = http }

    init(_ text: String) throws(HTTPURLError) {
        if text.hasPrefix("ws://") {
            http = try HTTPURL("http" + text.dropFirst(2))
        } else if text.hasPrefix("wss://") {
            http = try HTTPURL("https" + text.dropFirst(3))
        } else {
            http = try HTTPURL(text)
        }
    }

    var description: String {
        (http.origin.isEncrypted ? "wss://" : "ws://") + http.origin.authority + http.target
    }

    /// Of this machine: source addresses may be spread.
    var isLoopback: Bool { http.origin.host == "localhost" || http.origin.host.hasPrefix("127.") }

    /// A URL that names a server only gets this path.
    func withDefaultPath(_ path: String) -> TargetURL {
        http.target == "/" ? TargetURL(HTTPURL(origin: http.origin, target: path)) : self
    }
}
