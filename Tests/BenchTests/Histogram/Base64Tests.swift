import Testing

@testable import Measure

@Suite struct Base64Tests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ]) func `the examples of the standard hold`(bytes: String, text: String) {
        #expect(Base64.encode(Array(bytes.utf8)) == text)
        #expect(Base64.decode(text.utf8) == Array(bytes.utf8))
    }

    @Test func `every byte comes back`() {
        let bytes = (0...255).map(UInt8.init)
        #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes)
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg=g", "=g==", "Zm9\n", "Zm-_",
    ])
    func `what cannot have been written is refused`(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}
