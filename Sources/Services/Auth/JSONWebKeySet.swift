// JSONWebKeySet: the public keys an authority signs its tokens with.
//
//   {"keys":[{"kty":"RSA","kid":"2026-11","use":"sig","alg":"RS256","n":"…","e":"AQAB"}, …]}
//
// A key we cannot use is skipped and counted, for an authority may publish keys for others than us.
// A document that is not a key set at all is refused as a whole: the keys before it stay.
//
// Thread: a pure value.  Allocates: per key.  Source: RFC 7517 §4, §5; RFC 7518 §6; RFC 8037 §2.

import Hub

/// The document is no key set.
package struct JSONWebKeySetError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

package struct JSONWebKeySet: Sendable {
    /// Keys used of one set; authorities have two or three.
    static let keyCountMax = 64

    struct Key: Sendable {
        /// Nil: it can only verify tokens that name no key either.
        let id: String?
        let key: PublicKey
        /// The one algorithm the authority means it for; nil leaves every one of its kind.
        let algorithm: TokenAlgorithm?

        func fits(_ algorithm: TokenAlgorithm) -> Bool {
            algorithm.keyKind == key.kind && (self.algorithm ?? algorithm) == algorithm
        }
    }

    /// Why a key of the document is not among `keys`.
    enum Skip: String, Error, CaseIterable, Sendable {
        /// A type or curve we do not know. A symmetric key is one: a published secret is none.
        case unknownType
        /// For encryption, or not for verifying.
        case otherUse
        /// `alg` names an algorithm we do not know, or one of another kind of key.
        case algorithm
        /// A number is missing, malformed, too small, or not on its curve.
        case malformed
        /// More than `keyCountMax`.
        case tooMany
    }

    private(set) var keys: [Key] = []
    private(set) var skipped: [Skip: Int] = [:]

    package init(parsing document: [UInt8]) throws(JSONWebKeySetError) {
        for member in try Self.members(of: document) {
            guard case .object(let object) = member else {
                throw JSONWebKeySetError(description: "a key that is no object")
            }
            do throws(Skip) {
                if keys.count == Self.keyCountMax { throw .tooMany }
                keys.append(try Self.key(object))
            } catch {
                skipped[error, default: 0] += 1
            }
        }
    }

    private static func members(
        of document: [UInt8]
    ) throws(JSONWebKeySetError) -> [JSONValue] {
        let value: JSONValue
        do throws(JSONError) {
            // Certificate chains are the deepest there is: keys, key, x5c.
            value = try JSONValue(parsing: document, depthMax: 8)
        } catch {
            throw JSONWebKeySetError(description: "not JSON: \(error)")
        }
        guard case .object(let object) = value, !object.hasDuplicates,
            case .array(let members) = object["keys"]
        else { throw JSONWebKeySetError(description: "no object with an array of keys") }
        return members
    }

    /// Keys that may verify a token, in the set's order.
    func keys(for algorithm: TokenAlgorithm, id: String?) -> [PublicKey] {
        keys.filter { (id == nil || $0.id == id) && $0.fits(algorithm) }.map(\.key)
    }

    private static func key(_ object: JSONValue.Object) throws(Skip) -> Key {
        if object.hasDuplicates { throw .malformed }
        if let use = object["use"], use != .string("sig") { throw .otherUse }
        if let operations = object["key_ops"] {
            guard case .array(let names) = operations, names.contains(.string("verify")) else {
                throw .otherUse
            }
        }
        let key = try publicKey(object)
        var algorithm: TokenAlgorithm?
        if let name = object["alg"] {
            guard case .string(let name) = name, let known = TokenAlgorithm(rawValue: name),
                known.keyKind == key.kind
            else { throw .algorithm }
            algorithm = known
        }
        switch object["kid"] {
        case nil: return Key(id: nil, key: key, algorithm: algorithm)
        case .string(let id): return Key(id: id, key: key, algorithm: algorithm)
        default: throw .malformed
        }
    }

    private static func publicKey(_ object: JSONValue.Object) throws(Skip) -> PublicKey {
        guard case .string(let type) = object["kty"] else { throw .malformed }
        do throws(PublicKeyError) {
            switch type {
            case "RSA":
                return try PublicKey(
                    modulus: number("n", object), exponent: number("e", object))
            case "EC":
                if let curve = curve(of: object) {
                    return try PublicKey(
                        curve: curve, x: number("x", object), y: number("y", object))
                }
            case "OKP":
                if object["crv"] == .string("Ed25519") {
                    return try PublicKey(ed25519: number("x", object))
                }
            default: break
            }
        } catch {
            throw .malformed
        }
        throw .unknownType
    }

    private static func curve(of object: JSONValue.Object) -> PublicKey.Kind? {
        guard case .string(let name) = object["crv"] else { return nil }
        return curves[name]
    }

    private static let curves: [String: PublicKey.Kind] = [
        "P-256": .p256, "P-384": .p384, "P-521": .p521,
    ]

    private static func number(
        _ name: String, _ object: JSONValue.Object
    ) throws(PublicKeyError) -> [UInt8] {
        guard case .string(let text) = object[name], let bytes = Base64URL.decode(text.utf8) else {
            throw .malformed
        }
        return bytes
    }
}
