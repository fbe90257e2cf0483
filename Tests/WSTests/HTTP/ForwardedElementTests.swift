import Testing

@testable import WS

@Suite struct ForwardedElementTests {
    private static func list(_ value: String) -> [ForwardedElement]? {
        ForwardedElement.list(in: Array(value.utf8)[...])
    }

    private static func element(
        _ node: String?, _ scheme: String? = nil, _ host: String? = nil
    ) -> ForwardedElement {
        ForwardedElement(
            node: node.map { Array($0.utf8)[...] }, scheme: scheme.map { Array($0.utf8)[...] },
            host: host.map { Array($0.utf8)[...] })
    }

    @Test(
        arguments: [
            ("for=192.0.2.60", [element("192.0.2.60")]),
            ("For=\"[2001:db8:cafe::17]:4711\"", [element("[2001:db8:cafe::17]:4711")]),
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43;host=shop.example",
                [element("192.0.2.60", "http", "shop.example")]
            ),
            ("for=192.0.2.43, for=\"_hidden\"", [element("192.0.2.43"), element("_hidden")]),
            ("for=a,for=b,,for=c,", [element("a"), element("b"), element("c")]),
            ("for=\"a,b;c=\\\"d\\\\\"", [element("a,b;c=\"d\\")]),
            (";for=a;;proto=https;", [element("a", "https")]),
            ("for=a ; proto=https", [element("a", "https")]),
            ("proto=https", [element(nil, "https")]), ("secret=x", [element(nil)]), ("", []),
        ])
    func `elements are read as they were written`(value: String, elements: [ForwardedElement]) {
        #expect(Self.list(value) == elements)
    }

    @Test(
        arguments: [
            "for", "for=", "for =a", "for= a", "for=\"a", "for=\"a\\", "for=\"a\"b", "=a",
            "for=a b",
            "for=a;for=b", "for=[::1]", "for=a:80", "for=a;FOR=b", "for=a, proto", "for=a\"",
        ])
    func `one malformed pair spoils the field`(value: String) {
        #expect(Self.list(value) == nil)
    }

    @Test func `no cut of a field is a trap`() {
        let whole = Array("for=\"[::1]:\\\"8\";proto=https , for=b;host=\"a\"".utf8)
        for end in 0...whole.count {
            for start in 0...end { _ = ForwardedElement.list(in: whole[start..<end]) }
        }
    }
}
