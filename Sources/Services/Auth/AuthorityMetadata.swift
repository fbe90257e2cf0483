// AuthorityMetadata: what an authority says about itself, as far as we need it.
//
//   GET <authority>/.well-known/openid-configuration
//   {"issuer":"https://login.example/tenant","jwks_uri":"https://login.example/tenant/keys", …}
//
// As in the .NET system the issuer that tokens must name is the document's, which need not be the
// URL we asked. A setting can pin it.
//
// Thread: a pure value.  Source: OpenID Connect Discovery 1.0 §3, §4; RFC 8414 §2.

import Hub
import WS

struct AuthorityMetadata: Equatable, Sendable {
    static let path = ".well-known/openid-configuration"

    let issuer: String
    let keys: HTTPURL

    /// - Parameters:
    ///   - pinnedIssuer: the only one that will do; nil takes any.
    ///   - requiresTLS: refuses keys that come in the clear.
    init(
        parsing document: [UInt8], pinnedIssuer: String?, requiresTLS: Bool
    ) throws(KeyFetchError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: document, depthMax: 16)
        } catch {
            throw KeyFetchError("the metadata is not JSON: \(error)")
        }
        guard case .object(let object) = value, !object.hasDuplicates else {
            throw KeyFetchError("the metadata is no JSON object with one of each member")
        }
        guard case .string(let issuer) = object["issuer"], !issuer.isEmpty else {
            throw KeyFetchError("the metadata has no issuer")
        }
        if let pinnedIssuer, issuer != pinnedIssuer {
            throw KeyFetchError(
                "the metadata is of the issuer \(issuer), and jwt.issuer says \(pinnedIssuer)")
        }
        guard case .string(let text) = object["jwks_uri"] else {
            throw KeyFetchError("the metadata has no jwks_uri")
        }
        do throws(HTTPURLError) {
            keys = try HTTPURL(text)
        } catch {
            throw KeyFetchError("the metadata's jwks_uri \(error)")
        }
        if requiresTLS, !keys.origin.isEncrypted {
            throw KeyFetchError("the metadata's jwks_uri is not https")
        }
        self.issuer = issuer
    }
}

/// Why no keys came of asking the authority; for the operator's log.
struct KeyFetchError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
