import Testing

@testable import WS

/// RFC 6455 §4.2.1.
@Suite struct UpgradeTests {
    private static let good: [String: [String]] = [
        "upgrade": ["websocket"], "connection": ["Upgrade"], "sec-websocket-version": ["13"],
        "sec-websocket-key": ["dGhlIHNhbXBsZSBub25jZQ=="],
    ]

    @Test func `the sample of the RFC is accepted with its accept key`() {
        let head = answer(Self.good).head

        #expect(
            head
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                + "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
    }

    @Test(arguments: [
        ("upgrade", ["WebSocket"]), ("upgrade", ["h2c, websocket"]),
        ("upgrade", ["h2c", "WEBSOCKET"]),
        ("connection", ["keep-alive, Upgrade"]), ("connection", ["keep-alive", "\tUPGRADE "]),
        ("sec-websocket-version", [" 13 "]), ("sec-websocket-protocol", ["chat"]),
        ("sec-websocket-extensions", ["permessage-deflate; client_max_window_bits=99"]),
        ("origin", ["https://anywhere.example"]),
    ])
    func `lists, case and offers do not matter`(name: String, values: [String]) {
        #expect(answer(Self.good.merging([name: values]) { $1 }).head != nil)
    }

    @Test(arguments: [
        ("upgrade", [], 400), ("upgrade", ["websockets"], 400), ("upgrade", ["web socket"], 400),
        ("connection", [], 400), ("connection", ["keep-alive"], 400),
        ("sec-websocket-version", [], 426), ("sec-websocket-version", ["8"], 426),
        ("sec-websocket-version", ["13", "13"], 426), ("sec-websocket-version", ["013"], 426),
        ("sec-websocket-key", [], 400), ("sec-websocket-key", [""], 400),
        ("sec-websocket-key", ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="], 400),
        ("sec-websocket-key", ["dGhlIHNhbXBsZSBub25j"], 400),  // 15 bytes
        ("sec-websocket-key", ["dGhlIHNhbXBsZSBub25jZQo="], 400),  // 17 bytes
        ("sec-websocket-key", ["dGhlIHNhbXBsZSBub25jZ-=="], 400),
    ])
    func `each broken field is refused with its status`(
        name: String, values: [String], status: Int
    ) {
        #expect(answer(Self.good.merging([name: values]) { $1 }).status == status)
    }

    @Test func `a wrong version is told the right one`() {
        let refusal = answer(Self.good.merging(["sec-websocket-version": ["7"]]) { $1 })

        #expect(refusal.headers == ["Sec-WebSocket-Version: 13"])
    }

    @Test func `only GET of HTTP 1_1 can upgrade`() {
        #expect(answer(Self.good, method: "POST").status == 405)
        #expect(answer(Self.good, isHTTP11: false).status == 400)
    }

    @Test func `a list of origins binds browsers only`() {
        let allowed: Set = ["https://shop.example"]
        func status(_ origins: [String]) -> Int? {
            answer(Self.good.merging(["origin": origins]) { $1 }, allowedOrigins: allowed).status
        }

        #expect(status([]) == nil)
        #expect(status(["https://Shop.example"]) == nil)
        #expect(status(["https://shop.example.evil"]) == 403)
        #expect(status(["https://shop.example", "https://evil.example"]) == 403)
        #expect(status(["null"]) == 403)
    }

    private func answer(
        _ fields: [String: [String]], method: String = "GET", isHTTP11: Bool = true,
        allowedOrigins: Set<String>? = nil
    ) -> (head: String?, status: Int?, headers: [String]) {
        let answer = WebSocketUpgrade.answer(
            method: method, isHTTP11: isHTTP11, allowedOrigins: allowedOrigins
        ) { fields[$0] ?? [] }
        switch answer {
        case .accepted(let head, _): return (String(decoding: head, as: UTF8.self), nil, [])
        case .refused(let status, let headers):
            return (nil, status, headers.map { "\($0): \($1)" })
        }
    }
}
