// ClientTokens: the token each client shows.
//
//   secret ─▶ HS256 over {"sub":"bench-17","nbf":…,"exp":…}     a user per connection by default
//
// Thread: one loop.  Allocates: the token.  Source: RFC 7515, RFC 7519.

import COpenSSL
import Glibc
import Hub

struct ClientTokens {
    let access: ClientAccess

    /// How long a token is good, in seconds: longer than any run.
    private static let lifetimeSeconds = 86_400

    /// The name of client number `client` of the run; nil where bench does not choose it.
    func user(of client: Int) -> String? {
        if case .secret(_, _, _, let userCount) = access { return "bench-\(client % userCount)" }
        return nil
    }

    func token(of client: Int) -> String? {
        switch access {
        case .none: return nil
        case .token(let token): return token
        case .secret(let secret, let issuer, let audience, _):
            return Self.sign(
                user: user(of: client) ?? "", issuer: issuer, audience: audience,
                now: Int64(time(nil)), secret: Array(secret.utf8))
        }
    }

    static func sign(
        user: String, issuer: String?, audience: String?, now: Int64, secret: [UInt8]
    ) -> String {
        var claims = JSONWriter(reservingCapacity: 256)
        claims.beginObject()
        claims.key("sub")
        claims.string(user)
        // A clock that goes a little before ours must not refuse us.
        claims.key("nbf")
        claims.integer(now - 60)
        claims.key("exp")
        claims.integer(now + Int64(lifetimeSeconds))
        if let issuer {
            claims.key("iss")
            claims.string(issuer)
        }
        if let audience {
            claims.key("aud")
            claims.string(audience)
        }
        claims.endObject()
        let head = Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
        let signed = head + "." + Base64URL.encode(claims.bytes)
        return signed + "." + Base64URL.encode(hmac(Array(signed.utf8), secret))
    }

    private static func hmac(_ message: [UInt8], _ secret: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 32)
        var byteCount: UInt32 = 0
        let result = HMAC(
            EVP_sha256(), secret, Int32(secret.count), message, message.count, &signature,
            &byteCount)
        precondition(result != nil && byteCount == 32, "HMAC failed")
        return signature
    }
}
