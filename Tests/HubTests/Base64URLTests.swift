import Testing

@testable import Hub

/// RFC 4648 §10 and §5.
@Suite("Base64URL") struct Base64URLTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of RFC 4648 hold both ways, without padding`(plain: String, text: String) {
        #expect(Base64URL.encode(Array(plain.utf8)) == text)
        #expect(Base64URL.decode(text.utf8) == Array(plain.utf8))
    }

    @Test func `the last two letters are - and _`() {
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
        #expect(Base64URL.decode("-_8".utf8) == [0xFB, 0xFF])
    }

    @Test func `every byte value survives`() {
        let all = Array(UInt8.min...UInt8.max)
        #expect(Base64URL.decode(Base64URL.encode(all).utf8) == all)
    }

    @Test(arguments: ["A", "Zg==", "Zm+v", "Zm/v", "Zm 9", "Zm9v\n", "Zé", "Zh", "Zm9"])
    func `what the encoder does not write is refused`(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }
}
