import Testing

@testable import WS

private func url(_ text: String) -> HTTPURL? {
    // Nil is what the tests ask for; why is in the claims about the errors.
    try? HTTPURL(text)
}

@Suite struct HTTPURLTests {
    @Test(
        arguments: [
            ("https://a.example/x", true, "a.example", 443, "/x"),
            ("http://a.example", false, "a.example", 80, "/"),
            ("HTTPS://A.Example:8443", true, "a.example", 8443, "/"),
            ("http://127.0.0.1:5000/a/b?c=/d", false, "127.0.0.1", 5000, "/a/b?c=/d"),
            ("https://[::1]:65535/", true, "::1", 65535, "/"),
            ("https://[::1]", true, "::1", 443, "/"),
            ("http://a?b", false, "a", 80, "/?b"),
            ("http://a:/b", false, "a", 80, "/b"),
        ] as [(String, Bool, String, UInt16, String)])
    func `an absolute URL falls into its parts`(
        text: String, isEncrypted: Bool, host: String, port: UInt16, target: String
    ) throws {
        let url = try HTTPURL(text)

        #expect(url.origin.isEncrypted == isEncrypted)
        #expect(url.origin.host == host)
        #expect(url.origin.port == port)
        #expect(url.target == target)
    }

    @Test(arguments: [
        "", "/", "a.example", "//a.example/", "ftp://a.example/", "https:a", "https://",
        "https:///x",
        "https://user@a.example/", "https://user:secret@a.example/", "https://a.example:0/",
        "https://a.example:65536/", "https://a.example:-1/", "https://a.example:8a/",
        "https://a.example/\u{7F}", "https://a example/", "https://a.example/ x",
        "https://a.example/%zz", "https://a.example/%00", "https://a.example/x#y",
        "https://ä.example/", "https://a%20b/", "https://a!b/", "https://[::1/", "https://[a]/",
        "https://a.example/\r\nX: y", "*",
    ])
    func `anything else is refused`(text: String) {
        #expect(url(text) == nil)
    }

    @Test func `an error never repeats the text`() {
        #expect(throws: HTTPURLError.self) { try HTTPURL("https://user:secret@a.example/") }
        do {
            _ = try HTTPURL("https://user:secret@a.example/")
        } catch {
            #expect(!error.description.contains("secret"))
        }
    }

    @Test(arguments: [
        ("https://a", "x/y", "https://a/x/y"), ("https://a/", "/x", "https://a/x"),
        ("https://a/t//", "x", "https://a/t/x"), ("https://a/t?v=2", "x", "https://a/t/x?v=2"),
    ])
    func `a path is put behind the path`(start: String, path: String, whole: String) {
        #expect(url(start)?.appending(path).description == whole)
    }

    @Test(arguments: [
        ("https://a:443/", "a"), ("http://a:80/", "a"), ("http://a:443/", "a:443"),
        ("https://[::1]:8443/", "[::1]:8443"), ("https://[::1]/", "[::1]"),
    ])
    func `the authority has a port only where it is not the scheme's own`(
        text: String, authority: String
    ) {
        #expect(url(text)?.origin.authority == authority)
    }

    @Test func `a query stays out of logs`() {
        #expect(url("https://a/b?token=x")?.redacted == "https://a/b")
    }
}
