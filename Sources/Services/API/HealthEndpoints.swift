// HealthEndpoints: whether this process lives, and whether it wants traffic. No token.
//
// Liveness asks nothing of any dependency: restarting us would not mend a database. It does ask for the
// other loops. Neither is turned away where the server is busy.
//
// Thread: handlers on any loop.

import WS

public enum HealthEndpoints {
    public static func addRoutes(
        to router: inout Router, readiness: Readiness, watch: LoopWatch
    ) {
        for path in ["/health/live", "/healthz", "/health"] {
            router.on(.get, path, urgency: .vital) { _, _, responder in
                let stuckCount = watch.stuckCount
                if stuckCount == 0 {
                    return responder.respond(.json(Array(#"{"status":"ok"}"#.utf8)))
                }
                let body = #"{"status":"stuck","loops":\#(stuckCount)}"#
                responder.respond(.json(Array(body.utf8), status: .serviceUnavailable))
            }
        }
        router.on(.get, "/health/ready", urgency: .vital) { _, _, responder in
            switch readiness.state {
            case .ready: responder.respond(.json(Array(#"{"status":"ready"}"#.utf8)))
            case .draining: responder.respond(Response(.serviceUnavailable))
            case .cutOff(let away):
                let checks = away.map { #""\#($0.name)":"away for \#($0.seconds) s""# }
                let body = #"{"status":"not ready","checks":{\#(checks.joined(separator: ","))}}"#
                responder.respond(.json(Array(body.utf8), status: .serviceUnavailable))
            }
        }
    }
}
