import Loop
import Testing

@testable import WS

@Suite struct RequestOriginTests {
    private static func peer(_ text: String) -> PeerAddress {
        PeerAddress(ip: IPAddress(text)!, port: 40_000)
    }

    private static func ingress(_ headers: Set<Ingress.Header>? = nil) -> Ingress {
        var ingress = Ingress()
        ingress.proxies = TrustedNetworks("10.0.0.0/8,fd00::/8")!
        if let headers { ingress.headers = headers }
        return ingress
    }

    private static func request(
        _ fields: [(String, String)], from peer: String = "10.0.0.4",
        _ headers: Set<Ingress.Header>? = nil
    ) -> Request {
        .sample(
            "GET", "/", fields: fields, peer: Self.peer(peer), ingress: Self.ingress(headers))
    }

    @Test(
        arguments: [
            ("203.0.113.7", "203.0.113.7"), ("203.0.113.7:51234", "203.0.113.7:51234"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
            ("203.0.113.7,10.0.0.9,10.0.0.8", "203.0.113.7"),
            ("10.0.0.7, 10.0.0.9", "10.0.0.7"),
            ("2001:db8::7", "2001:db8::7"), ("[2001:db8::7]:51234", "[2001:db8::7]:51234"),
            ("[2001:db8::7]", "2001:db8::7"), ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:51234", "203.0.113.7:51234"),
            // Whoever wrote it is the last one known.
            ("203.0.113.7, unknown", "10.0.0.4:40000"), ("203.0.113.7,", "10.0.0.4:40000"),
            ("203.0.113.7, unknown, 10.0.0.9", "10.0.0.9"),
            ("203.0.113.7, [10.0.0.9]", "10.0.0.4:40000"), ("300.1.1.1", "10.0.0.4:40000"),
            ("", "10.0.0.4:40000"), ("[", "10.0.0.4:40000"), ("[]:1", "10.0.0.4:40000"),
            (":::1", "10.0.0.4:40000"), (":1", "10.0.0.4:40000"),
        ])
    func `the client is the first from the right that nobody vouches for`(
        value: String, client: String
    ) {
        let request = Self.request([("X-Forwarded-For", value)])
        #expect(request.client.description == client)
        #expect(request.isForwarded)
    }

    @Test func `several fields are one list`() {
        let request = Self.request([
            ("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.7, 10.0.0.9"),
        ])
        #expect(request.client.description == "203.0.113.7")
    }

    @Test func `a peer that is not trusted speaks for itself`() {
        let fields = [
            ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"), ("Forwarded", "for=203.0.113.7;proto=https"),
        ]
        for headers in [Set(Ingress.Header.allCases), [.forwardedFor, .forwardedProto]] {
            let request = Self.request(fields, from: "11.0.0.1", headers)
            #expect(request.client == Self.peer("11.0.0.1"))
            #expect(request.scheme == .http)
            #expect(request.authority == "test")
            #expect(!request.isForwarded)
        }
    }

    @Test func `a header that the proxies do not set is the client's own and ignored`() {
        let request = Self.request([
            ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Host", "evil.example"),
            ("Forwarded", "for=198.51.100.1;proto=https"),
        ])
        #expect(request.client.description == "203.0.113.7")
        #expect(request.authority == "test")
        #expect(request.scheme == .http)
    }

    @Test func `a request that no proxy speaks for is its peer's own`() {
        let request = Self.request([("X-Forwarded-Proto", "https")])
        #expect(request.client == Self.peer("10.0.0.4"))
        #expect(!request.isForwarded)
        #expect(request.scheme == .https)
    }

    @Test(
        arguments: [
            (
                "for=203.0.113.7;proto=https;host=Shop.Example", "203.0.113.7", "https",
                "shop.example"
            ),
            (
                "for=\"[2001:db8::7]:51234\";proto=https", "[2001:db8::7]:51234", "https", "test"
            ),
            (
                "for=203.0.113.7;proto=https;host=a, for=10.0.0.9;proto=http;host=b", "203.0.113.7",
                "https", "a"
            ),
            (
                "for=198.51.100.1;proto=https, for=203.0.113.7;proto=http", "203.0.113.7", "http",
                "test"
            ),
            ("for=203.0.113.7, for=_hidden;proto=https", "10.0.0.4:40000", "https", "test"),
            ("for=\"203.0.113.7:_port\"", "203.0.113.7", "http", "test"),
            ("for=unknown", "10.0.0.4:40000", "http", "test"),
            ("proto=https", "10.0.0.4:40000", "https", "test"),
            ("for=203.0.113.7;proto=ftp;host=\"a b\"", "203.0.113.7", "http", "test"),
            // Malformed: it tells nothing.
            ("for=203.0.113.7;proto=https, for", "10.0.0.4:40000", "http", "test"),
        ])
    func `Forwarded tells client, scheme and host`(
        value: String, client: String, scheme: String, host: String
    ) {
        let request = Self.request([("Forwarded", value)], [.forwarded])
        #expect(request.client.description == client)
        #expect(request.scheme.rawValue == scheme)
        #expect(request.authority == host)
    }

    @Test(
        arguments: [
            ("https", "203.0.113.7", "https"), ("HTTPS", "203.0.113.7", "https"),
            ("wss", "203.0.113.7", "https"), ("gopher", "203.0.113.7", "http"),
            // One value for all hops; one per hop; more than hops that we trust.
            ("https", "203.0.113.7, 10.0.0.9", "https"),
            ("https, http", "203.0.113.7, 10.0.0.9", "https"),
            ("https, http", "198.51.100.1, 203.0.113.7", "http"),
            ("http, https, http", "198.51.100.1, 203.0.113.7, 10.0.0.9", "https"),
        ])
    func `the scheme is what the trusted hop nearest to the client says`(
        protocols: String, nodes: String, scheme: String
    ) {
        let request = Self.request([
            ("X-Forwarded-For", nodes), ("X-Forwarded-Proto", protocols),
        ])
        #expect(request.scheme.rawValue == scheme)
    }

    @Test(
        arguments: [
            ("https://shop.example", true), ("https://SHOP.example", true), (nil, true),
            ("http://shop.example", false), ("https://shop.example:8443", false),
            ("https://evil.example", false), ("https://shop.example.evil", false), ("null", false),
            ("", false),
        ] as [(String?, Bool)])
    func `a page is ours if it comes from where its request went`(origin: String?, isOurs: Bool) {
        var fields = [
            ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "shop.example:443"),
        ]
        if let origin { fields.append(("Origin", origin)) }
        let request = Self.request(fields, [.forwardedFor, .forwardedProto, .forwardedHost])
        #expect(request.isSameOrigin == isOurs)
    }

    @Test func `two origins are none of ours`() {
        let request = Self.request([("Origin", "http://test"), ("Origin", "http://test")])
        #expect(!request.isSameOrigin)
    }

    @Test(
        arguments: [
            ("/shop/api/orders?a=/shop", "/api/orders"), ("/shop", "/"), ("/shop/", "/"),
            ("/SHOP/a", "/a"), ("/api/orders", "/api/orders"), ("/shopping", "/shopping"),
            ("/shop/shop/a", "/shop/a"), ("http://test/shop/a", "/a"), ("http://test", "/"),
        ])
    func `the base path may be there or not`(target: String, path: String) {
        var ingress = Ingress()
        ingress.basePath = "/shop"
        let request = Request.sample("GET", target, ingress: ingress)
        #expect(request.path == path)
        #expect(request.basePath == "/shop")
    }
}
