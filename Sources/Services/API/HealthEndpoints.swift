// HealthEndpoints: whether this process lives, and whether it wants traffic. No token.
//
// Liveness asks nothing of any dependency: restarting us would not mend a database.
//
// Thread: handlers on any loop.

import WS

public enum HealthEndpoints {
    public static func addRoutes(to router: inout Router, readiness: Readiness) {
        for path in ["/health/live", "/healthz", "/health"] {
            router.on(.get, path) { _, _, responder in
                responder.respond(.json(Array(#"{"status":"ok"}"#.utf8)))
            }
        }
        router.on(.get, "/health/ready") { _, _, responder in
            guard readiness.isReady else { return responder.respond(Response(.serviceUnavailable)) }
            responder.respond(.json(Array(#"{"status":"ready"}"#.utf8)))
        }
    }
}
