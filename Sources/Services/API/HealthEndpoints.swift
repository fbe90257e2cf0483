// HealthEndpoints: whether this process lives, and whether it wants traffic. No token.
//
// Neither is turned away where the server is busy.
//
// Thread: handlers on any loop.

import WS

public enum HealthEndpoints {
    public static func addRoutes(
        to router: inout Router, readiness: Readiness, liveness: Liveness
    ) {
        for path in ["/health/live", "/healthz", "/health"] {
            router.on(.get, path, urgency: .vital) { _, _, responder in
                switch liveness.state {
                case .alive: responder.respond(.json(Array(#"{"status":"ok"}"#.utf8)))
                case .stuck(let loopCount):
                    let body = #"{"status":"stuck","loops":\#(loopCount)}"#
                    responder.respond(.json(Array(body.utf8), status: .serviceUnavailable))
                case .diskFailed:
                    let body = #"{"status":"disk failed"}"#
                    responder.respond(.json(Array(body.utf8), status: .serviceUnavailable))
                }
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
