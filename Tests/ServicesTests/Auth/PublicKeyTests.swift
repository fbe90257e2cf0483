// The examples of the RFCs, every algorithm with a fresh key, and every way a signature can be wrong.

import Hub
import Testing
import TestSupport

@testable import Services

/// RFC 7515 A.1 to A.3 sign the same claims.
private let joe =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

private let rsaExample = """
    {"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw\
    -4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bS\
    f63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5\
    IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}
    """

private let examples:
    [(name: String, key: String, text: String, signature: String, TokenAlgorithm)] = [
        (
            "RFC 7515 A.2", rsaExample, "eyJhbGciOiJSUzI1NiJ9.\(joe)",
            """
            cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju\
            jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07\
            Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU\
            TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
            """, .rs256
        ),
        (
            "RFC 7515 A.3",
            """
            {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",\
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
            """, "eyJhbGciOiJFUzI1NiJ9.\(joe)",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            .es256
        ),
        (
            "RFC 7515 A.4",
            """
            {"kty":"EC","crv":"P-521",\
            "x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",\
            "y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}
            """, "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
            """
            AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaS\
            wFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn
            """, .es512
        ),
        (
            "RFC 8037 A.4",
            #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            .edDSA
        ),
    ]

/// One key of every kind, and the algorithms it signs with.
private let signers: [(key: TestKey, algorithms: [TokenAlgorithm])] = [
    (.rsa, [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]), (TestKey(.p256), [.es256]),
    (TestKey(.p384), [.es384]), (TestKey(.p521), [.es512]), (TestKey(.ed25519), [.edDSA]),
]

@Suite struct PublicKeyTests {
    @Test func `the examples of the RFCs verify, and not with a changed bit`() throws {
        for (name, jwk, text, encoded, algorithm) in examples {
            let set = try JSONWebKeySet.of(jwk)
            let key = try #require(set.keys.first?.key, "\(name)")
            let signature = try #require(Base64URL.decode(encoded.utf8), "\(name)")
            #expect(key.hasSigned(Array(text.utf8), signature, with: algorithm), "\(name)")

            for index in [0, signature.count / 2, signature.count - 1] {
                var changed = signature
                changed[index] ^= 1
                #expect(!key.hasSigned(Array(text.utf8), changed, with: algorithm), "\(name)")
            }
            #expect(!key.hasSigned(Array((text + "x").utf8), signature, with: algorithm), "\(name)")
        }
    }

    @Test func `every algorithm verifies what was signed with it, and no other does`() throws {
        let text = Array("header.payload".utf8)
        for (signer, own) in signers {
            let key = try signer.publicKey()
            for algorithm in own {
                let signature = signer.sign(text, algorithm.rawValue)
                for asked in TokenAlgorithm.allCases {
                    #expect(
                        key.hasSigned(text, signature, with: asked) == (asked == algorithm),
                        "signed \(algorithm), asked \(asked)")
                }
            }
        }
    }

    @Test func `a signature of another length is none`() throws {
        let text = Array("header.payload".utf8)
        for (signer, algorithms) in signers {
            let key = try signer.publicKey()
            let signature = signer.sign(text, algorithms[0].rawValue)
            for wrong in [[], Array(signature.dropLast()), signature + [0], [0] + signature] {
                #expect(!key.hasSigned(text, wrong, with: algorithms[0]))
            }
        }
    }

    @Test func `an ECDSA signature of zeros is none`() throws {
        for (signer, algorithm, size) in [
            (signers[1].key, TokenAlgorithm.es256, 64), (signers[2].key, .es384, 96),
        ] {
            let zeros = [UInt8](repeating: 0, count: size)
            #expect(!(try signer.publicKey().hasSigned([1], zeros, with: algorithm)))
        }
    }

    @Test func `a DER signature, as TLS would have it, is none`() throws {
        let text = Array("header.payload".utf8)
        let raw = signers[1].key.sign(text, "ES256")
        let wrapped = DER.sequence(DER.integer(raw[..<32]), DER.integer(raw[32...]))
        #expect(!(try signers[1].key.publicKey().hasSigned(text, wrapped, with: .es256)))
    }

    @Test(arguments: [(2047, false), (2048, true), (8192, true), (8193, false)])
    func `an RSA key has 2048 to 8192 bits`(bits: Int, isGood: Bool) {
        var modulus = [UInt8](repeating: 0xA5, count: (bits + 7) / 8)
        modulus[0] = bits % 8 == 0 ? 0x80 : 1 << UInt8(bits % 8 - 1)
        modulus[modulus.count - 1] |= 1
        var error: PublicKeyError?
        do throws(PublicKeyError) {
            _ = try PublicKey(modulus: modulus, exponent: [1, 0, 1])
        } catch let caught {
            error = caught
        }
        #expect(error == (isGood ? nil : .modulusSize))
    }

    @Test func `zeros in front do not make a key longer`() {
        let short = [0, 0, 0] + [UInt8](repeating: 0xFF, count: 255)
        #expect(throws: PublicKeyError.modulusSize) {
            _ = try PublicKey(modulus: short, exponent: [1, 0, 1])
        }
    }

    @Test(arguments: [[], [0], [1], [2], [4], [1, 0, 0], [UInt8](repeating: 1, count: 9)])
    func `an exponent is odd, at least 3, and short`(exponent: [UInt8]) {
        #expect(throws: PublicKeyError.exponent) {
            _ = try PublicKey(
                modulus: [UInt8](repeating: 0xFF, count: 256), exponent: exponent)
        }
    }

    @Test func `a point that is not on the curve makes no key`() throws {
        let numbers = signers[1].key.numbers
        let x = try #require(numbers["x"])
        var y = try #require(numbers["y"])
        y[31] ^= 1
        #expect(throws: PublicKeyError.notOnCurve) {
            _ = try PublicKey(curve: .p256, x: x, y: y)
        }
        let zeros = [UInt8](repeating: 0, count: 32)
        #expect(throws: PublicKeyError.notOnCurve) {
            _ = try PublicKey(curve: .p256, x: zeros, y: zeros)
        }
    }

    @Test func `a point of another curve makes no key, padded or not`() throws {
        let numbers = signers[1].key.numbers
        let x = try #require(numbers["x"])
        let y = try #require(numbers["y"])
        let pad = [UInt8](repeating: 0, count: 16)
        #expect(throws: PublicKeyError.notOnCurve) {
            _ = try PublicKey(curve: .p384, x: x, y: y)
        }
        #expect(throws: PublicKeyError.notOnCurve) {
            _ = try PublicKey(curve: .p384, x: pad + x, y: pad + y)
        }
        #expect(throws: PublicKeyError.notOnCurve) {
            _ = try PublicKey(curve: .p256, x: [0] + x, y: y)
        }
    }

    @Test(arguments: [31, 33, 0])
    func `an Ed25519 key has 32 bytes`(count: Int) {
        #expect(throws: PublicKeyError.malformed) {
            _ = try PublicKey(ed25519: [UInt8](repeating: 1, count: count))
        }
    }
}

@Suite struct DERTests {
    @Test(
        arguments: [
            ([], [2, 1, 0]), ([0], [2, 1, 0]), ([0, 0], [2, 1, 0]), ([0x7F], [2, 1, 0x7F]),
            ([0x80], [2, 2, 0, 0x80]), ([0, 0x80], [2, 2, 0, 0x80]), ([0, 1], [2, 1, 1]),
        ] as [([UInt8], [UInt8])])
    func `an integer has no byte too many and is never negative`(bytes: [UInt8], der: [UInt8]) {
        #expect(DER.integer(bytes) == der)
    }

    @Test(
        arguments: [
            (126, [3, 0x7F]), (127, [3, 0x81, 0x80]), (254, [3, 0x81, 0xFF]),
            (255, [3, 0x82, 0x01, 0x00]), (65_535, [3, 0x83, 0x01, 0x00, 0x00]),
        ] as [(Int, [UInt8])])
    func `a length takes as few bytes as it can`(count: Int, head: [UInt8]) {
        let value = DER.bitString([UInt8](repeating: 1, count: count))
        #expect(Array(value.prefix(head.count)) == head)
        #expect(value.count == head.count + count + 1)
    }
}
