// IdentityHeader: the word of an ingress that has authenticated the user itself.
//
//   request ─▶ passed on by a trusted proxy? ─▶ the header once, a usable id ─▶ from a page of ours? ─▶ user
//                    │ no                           │ no                           │ no
//                    └ no such header               └───────────── 401 ────────────┘
//
// The browser proves itself to such an ingress by a cookie or a password that it adds to every request,
// also to those of strangers' pages. So pages count here, as they need not with tokens.
//
// Thread: a pure value.  Allocates: the user's id.  Source: RFC 6454 §7; RFC 6455 §10.2.

import WS

public struct IdentityHeader: Sendable {
    public let name: String
    /// Origins other than our own whose pages may act for their users.
    public let allowedOrigins: [String]

    public init(name: String, allowedOrigins: [String]) {
        self.name = name
        self.allowedOrigins = allowedOrigins
    }

    /// Whom the ingress has named. Throws `missing` where there is no such ingress, or it names nobody.
    func principal(of request: Request) throws(TokenError) -> Principal {
        // What came past the ingress may say what it likes.
        guard request.isForwarded else { throw .missing }
        let users = request.headers(named: name)
        guard let user = users.first else { throw .missing }
        // Bytes that are no UTF-8 have become this character, and two ids may have become one.
        guard users.count == 1, TokenClaims.isUsable(user),
            !user.unicodeScalars.contains("\u{FFFD}")
        else { throw .identityHeader }
        guard isOurs(request) else { throw .foreignOrigin }
        return Principal(user: user, expiresAt: nil)
    }

    private func isOurs(_ request: Request) -> Bool {
        if request.isSameOrigin { return true }
        guard request.headerCount(.origin) == 1, let origin = request.header(.origin) else {
            return false
        }
        return allowedOrigins.contains(origin)
    }
}

extension Authenticator {
    /// Whom a request speaks for: whoever its token names, and without a token whoever the ingress names.
    /// A token that is not good is refused; the ingress is not asked then.
    ///
    /// - Parameter queryToken: the decoded `access_token` of a hub path's query; nil elsewhere.
    public func authenticate(
        _ request: Request, queryToken: String? = nil
    ) throws(TokenError) -> Principal {
        do throws(TokenError) {
            return try authenticate(
                authorization: request.header(.authorization), queryToken: queryToken)
        } catch {
            guard error == .missing, let identityHeader else { throw error }
            return try identityHeader.principal(of: request)
        }
    }
}
