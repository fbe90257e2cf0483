// Access: who a request comes from. A token is nothing but the user's name here.
//
//   Authorization: Bearer ann    ?access_token=ann   ─▶ user "ann"
//   Bearer forbidden                                 ─▶ 403
//   Bearer expiring-5                                ─▶ user "expiring-5", for five seconds
//   none                                             ─▶ nobody in particular, or 401
//
// Thread: the loops.  Allocates: the name.

import Hub
import Loop
import WS

struct Access: Sendable {
    let needsUser: Bool

    func authenticate(_ request: Request) -> HubAuthentication {
        guard let name = name(request) else {
            if !needsUser { return .accepted(AuthenticatedUser(userID: nil)) }
            var response = Response(.unauthorized)
            response.add("WWW-Authenticate", "Bearer")
            return .refused(response)
        }
        if name == "forbidden" { return .refused(Response(.forbidden)) }
        return .accepted(AuthenticatedUser(userID: name, expiresAt: expiry(of: name)))
    }

    private func name(_ request: Request) -> String? {
        let scheme = "Bearer "
        if let header = request.header(.authorization), header.hasPrefix(scheme) {
            return String(header.dropFirst(scheme.count))
        }
        // Browsers cannot set headers on a WebSocket.
        return request.query("access_token")
    }

    private func expiry(of name: String) -> WallTime? {
        let prefix = "expiring-"
        guard name.hasPrefix(prefix), let seconds = Int(name.dropFirst(prefix.count)) else {
            return nil
        }
        return SystemTime().wallNow.advanced(by: .seconds(seconds))
    }
}
