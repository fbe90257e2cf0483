import Testing
import WS

@testable import bench

@Suite struct NegotiationTests {
    @Test func `the request goes behind the hub's path and keeps its query`() throws {
        let url = try HTTPURL("http://a:1/hub?x=1")
        let text = String(
            decoding: NegotiateExchange.request(
                url, token: "jwt", headers: [(name: "A", value: "b")]),
            as: UTF8.self)

        #expect(text.hasPrefix("POST /hub/negotiate?x=1&negotiateVersion=1 HTTP/1.1\r\n"))
        #expect(text.contains("\r\nAuthorization: Bearer jwt\r\n"))
        #expect(text.contains("\r\nA: b\r\n"))
        #expect(text.contains("\r\nContent-Length: 0\r\n"))
    }

    @Test func `the upgrade carries id and token, encoded`() throws {
        let target = NegotiatedTarget(
            url: try HTTPURL("http://a:1/hub"), connectionToken: "a+b/=")
        let text = String(
            decoding: UpgradeRequest.bytes(target, token: "j.w-t", headers: []), as: UTF8.self)

        #expect(text.hasPrefix("GET /hub?id=a%2Bb%2F%3D&access_token=j.w-t HTTP/1.1\r\n"))
    }

    private static let accepted =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Accept: \(AcceptKey.make(for: "YmVuY2ggb2YgY29udG9zbw=="))\r\n\r\n"

    private func upgrade(_ text: String) -> UpgradeRequest.Answer {
        Array(text.utf8).withUnsafeBytes { UpgradeRequest.answer($0) }
    }

    @Test func `101 with the right proof is accepted, at its last byte`() {
        let count = Self.accepted.utf8.count
        for prefix in 0..<count {
            // Of bytes: CRLF is one Character.
            let head = String(decoding: Self.accepted.utf8.prefix(prefix), as: UTF8.self)
            #expect(upgrade(head) == .incomplete)
        }

        #expect(upgrade(Self.accepted + "\u{1}") == .accepted(byteCount: count))
    }

    @Test(arguments: [
        "HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP/1.1 101 x\r\n\r\n",
        "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: wrong\r\n\r\n", "nonsense\r\n\r\n",
    ])
    func `anything else is refused`(text: String) {
        guard case .refused = upgrade(text) else {
            Issue.record("taken")
            return
        }
    }
}
