// DevTokenEndpoint: POST /dev/token, which signs anybody in. Added in development only.
//
//   {"userId":"CUST-0001"} ──▶ {"userId":"CUST-0001","token":"eyJ…","expiresAtUtc":"…Z"}
//
// No token is looked at: the shop sends its old one along when it signs in again.
//
// Thread: handlers on any loop.  Source: the .NET system's order-notification.

import Hub
import Loop
import WS

public enum DevTokenEndpoint {
    public static func addRoute(to router: inout Router, tokens: DevTokens) {
        router.on(.post, "/dev/token") { request, _, responder in
            responder.respond(response(to: request, tokens))
        }
    }

    static func response(to request: Request, _ tokens: DevTokens) -> Response {
        guard MediaType.isJSON(request.header(.contentType)) else {
            return Refusal.mediaType.response(to: request)
        }
        guard let user = user(in: request.body) else {
            return .json(Array(#"{"error":"userId is required"}"#.utf8), status: .badRequest)
        }
        let issued = tokens.issue(for: user)
        var writer = JSONWriter(reservingCapacity: 1024)
        writer.beginObject()
        writer.key("userId")
        writer.string(user)
        writer.key("token")
        writer.string(issued.token)
        writer.key("expiresAtUtc")
        writer.string(issued.expiresAt.description)
        writer.endObject()
        return .json(writer.bytes)
    }

    /// Trimmed; nil if it is missing, blank, too long to be a user, or the body is malformed.
    private static func user(in body: [UInt8]) -> String? {
        // Whatever is wrong with the body, the answer is the same.
        guard case .object(let root)? = try? JSONValue(parsing: body, depthMax: 8),
            case .string(let text) = root.member(ignoringCase: "userid")
        else { return nil }
        let user = SettingValue.trimmed(text)
        return TokenClaims.isUsable(user) ? user : nil
    }
}
