import Testing
import TestSupport

@testable import Services

private let rsa = TestKey.rsa
private let ec = TestKey(.p256)

@Suite struct JSONWebKeySetTests {
    @Test func `keys are found by their id and by what they can verify`() throws {
        let set = try JSONWebKeySet.of(
            rsa.jwk(("kid", "\"a\""), ("use", "\"sig\"")), ec.jwk(("kid", "\"b\"")),
            TestKey(.ed25519).jwk())

        #expect(set.keys.count == 3)
        #expect(set.skipped.isEmpty)
        #expect(set.keys(for: .rs256, id: "a").count == 1)
        #expect(set.keys(for: .ps512, id: "a").count == 1)
        #expect(set.keys(for: .es256, id: "a").isEmpty)
        #expect(set.keys(for: .es256, id: "b").count == 1)
        #expect(set.keys(for: .es384, id: "b").isEmpty)
        #expect(set.keys(for: .rs256, id: "c").isEmpty)
        #expect(set.keys(for: .rs256, id: nil).count == 1)
        // A key without an id is for tokens without one.
        #expect(set.keys(for: .edDSA, id: "a").isEmpty)
        #expect(set.keys(for: .edDSA, id: nil).count == 1)
        for id in [nil, "a", "b"] { #expect(set.keys(for: .hs256, id: id).isEmpty) }
    }

    @Test func `a key that names its algorithm serves no other`() throws {
        let set = try JSONWebKeySet.of(rsa.jwk(("alg", "\"PS256\"")))
        #expect(set.keys(for: .ps256, id: nil).count == 1)
        #expect(set.keys(for: .rs256, id: nil).isEmpty)
    }

    @Test func `two keys may have one id`() throws {
        let set = try JSONWebKeySet.of(rsa.jwk(("kid", "\"a\"")), ec.jwk(("kid", "\"a\"")))
        #expect(set.keys(for: .rs256, id: "a").count == 1)
        #expect(set.keys(for: .es256, id: "a").count == 1)
    }

    @Test(
        arguments: [
            (#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#, .unknownType),
            (#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, .unknownType),
            (#"{"kty":"EC","x":"AA","y":"AA"}"#, .unknownType),
            (#"{"kty":"OKP","crv":"X25519","x":"AA"}"#, .unknownType),
            (#"{"kty":"AKP"}"#, .unknownType), (#"{}"#, .malformed), (#"{"kty":1}"#, .malformed),
            (rsa.jwk(("use", "\"enc\"")), .otherUse), (rsa.jwk(("use", "1")), .otherUse),
            (rsa.jwk(("key_ops", #"["encrypt"]"#)), .otherUse),
            (rsa.jwk(("key_ops", "\"verify\"")), .otherUse),
            (rsa.jwk(("alg", "\"RSA-OAEP\"")), .algorithm),
            (rsa.jwk(("alg", "\"ES256\"")), .algorithm),
            (rsa.jwk(("alg", "\"HS256\"")), .algorithm), (rsa.jwk(("alg", "null")), .algorithm),
            (ec.jwk(("alg", "\"ES384\"")), .algorithm), (rsa.jwk(("n", "\"AQAB\"")), .malformed),
            (rsa.jwk(("n", "\"A=\"")), .malformed), (rsa.jwk(("n", "1")), .malformed),
            (rsa.jwk(("e", "\"\"")), .malformed), (ec.jwk(("crv", "\"P-384\"")), .malformed),
            (ec.jwk(("x", "\"AA\"")), .malformed), (rsa.jwk(("kid", "1")), .malformed),
            (#"{"kty":"RSA","kty":"RSA"}"#, .malformed),
        ] as [(String, JSONWebKeySet.Skip)])
    func `a key of no use is skipped and counted, the others stay`(
        key: String, skip: JSONWebKeySet.Skip
    ) throws {
        let set = try JSONWebKeySet.of(key, ec.jwk())
        #expect(set.keys.count == 1)
        #expect(set.skipped == [skip: 1])
    }

    @Test func `members nobody knows change nothing`() throws {
        let set = try JSONWebKeySet.of(
            rsa.jwk(("x5c", #"["MIID"]"#), ("x5t", "\"a\""), ("key_ops", #"["sign","verify"]"#)))
        #expect(set.keys.count == 1)
    }

    @Test func `keys above the limit are not read`() throws {
        let most = JSONWebKeySet.keyCountMax
        let keys = Array(repeating: ec.jwk(), count: most + 2).joined(separator: ",")
        let set = try JSONWebKeySet(parsing: Array("{\"keys\":[\(keys)]}".utf8))
        #expect(set.keys.count == most)
        #expect(set.skipped == [.tooMany: 2])
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[1]}"#, #"{"keys":[],"keys":[]}"#,
        #"{"keys":["#, "<html>", #"{"keys":[[]]}"#, #"{"keys":[{"a":[[[[[[[[]]]]]]]]}]}"#,
    ])
    func `what is no key set is refused as a whole`(document: String) {
        #expect(throws: JSONWebKeySetError.self) {
            _ = try JSONWebKeySet(parsing: Array(document.utf8))
        }
    }

    @Test func `no prefix of a key set is one`() {
        let document = Array("{\"keys\":[\(ec.jwk())]}".utf8)
        for count in 0..<document.count {
            #expect(throws: JSONWebKeySetError.self) {
                _ = try JSONWebKeySet(parsing: Array(document[..<count]))
            }
        }
    }
}
