import Testing

@testable import Loop

/// RFC 6125 §6.4: how a server name finds its certificate.
@Suite struct TLSNameTableTests {
    private static let table: TLSNameTable<Int> = {
        var table = TLSNameTable<Int>()
        table.insert("shop.example", 1)
        table.insert("*.shop.example", 2)
        table.insert("API.Shop.Example", 3)
        table.insert("f*.other.example", 4)
        table.insert("*", 5)
        return table
    }()

    @Test(arguments: [
        ("shop.example", 1), ("SHOP.example", 1), ("shop.example.", 1),
        ("www.shop.example", 2), ("WWW.Shop.Example", 2), ("xn--bcher-kva.shop.example", 2),
        ("api.shop.example", 3),
    ])
    func `case does not matter, and the exact name beats the wildcard`(name: String, value: Int) {
        #expect(Self.table.value(of: name) == value)
    }

    @Test(arguments: [
        "", ".", "example", "a.b.shop.example", ".shop.example", "shop.example.com",
        "foo.other.example", "myshop.example", "127.0.0.1",
    ])
    func `a star stands for one whole label and nothing else`(name: String) {
        #expect(Self.table.value(of: name) == nil)
    }
}
