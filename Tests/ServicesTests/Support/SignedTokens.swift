// Tokens and key sets as an authority makes them, each part of which a test may get wrong.

import Hub
import TestSupport

@testable import Services

extension TestKey {
    /// A JSON object of the public key; `members` are added, and replace those of the same name.
    func jwk(_ members: (name: String, value: String)...) -> String {
        var all = typeMembers.map { (name: $0.name, value: "\"\($0.value)\"") }
        for (name, bytes) in numbers.sorted(by: { $0.key < $1.key }) {
            all.append((name: name, value: "\"\(Base64URL.encode(bytes))\""))
        }
        for member in members {
            all.removeAll { $0.name == member.name }
            all.append(member)
        }
        return "{" + all.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    /// The public key as the code under test reads it.
    func publicKey() throws -> PublicKey {
        let set = try JSONWebKeySet(parsing: Array("{\"keys\":[\(jwk())]}".utf8))
        return set.keys[0].key
    }

    /// - Parameter header: what stands in the header instead of `alg` and `kid`.
    func token(
        _ claims: String, _ algorithm: TokenAlgorithm, id: String? = nil, header: String? = nil
    ) -> String {
        let kid = id.map { ",\"kid\":\"\($0)\"" } ?? ""
        let header = header ?? "{\"alg\":\"\(algorithm.rawValue)\"\(kid)}"
        let signed =
            Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
        return signed + "."
            + Base64URL.encode(sign(Array(signed.utf8), algorithm.rawValue))
    }
}

extension JSONWebKeySet {
    static func of(_ keys: String...) throws(JSONWebKeySetError) -> JSONWebKeySet {
        try JSONWebKeySet(parsing: Array("{\"keys\":[\(keys.joined(separator: ","))]}".utf8))
    }
}
