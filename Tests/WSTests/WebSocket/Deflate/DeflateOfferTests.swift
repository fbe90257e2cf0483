import Testing

@testable import WS

/// RFC 7692 §5 and §7.1.
@Suite struct DeflateOfferTests {
    private static let answer =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    @Test(arguments: [
        "permessage-deflate", " permessage-deflate\t",
        "permessage-deflate; client_max_window_bits", "permessage-deflate;client_max_window_bits=8",
        "permessage-deflate; client_max_window_bits = 15",
        "permessage-deflate; client_max_window_bits=\"10\"",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        "x-webkit-deflate-frame, permessage-deflate", "permessage-bzip2;a=1, permessage-deflate",
    ])
    func `what asks for nothing of the server gets the plain answer`(offer: String) {
        #expect(DeflateOffer.first(in: [offer])?.answer == Self.answer)
    }

    @Test(arguments: UInt8(8)...15)
    func `a window for the server is answered with the same, and kept`(bits: UInt8) {
        for text in ["\(bits)", "\"\(bits)\""] {
            let offer = DeflateOffer.first(
                in: ["permessage-deflate; server_max_window_bits=\(text); client_max_window_bits"])

            #expect(offer?.answer == Self.answer + "; server_max_window_bits=\(bits)")
            #expect(offer?.serverWindow == DeflateWindow(bits: bits))
        }
    }

    private static let bad = [
        "", ",", ";", "deflate", "permessage-deflat", "permessage-deflate2", "Permessage-Deflate",
        "permessage-deflate=1", "permessage-deflate;",
        "permessage-deflate; ; client_max_window_bits",
        "permessage-deflate; level", "permessage-deflate; level=9",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=",
    ]
    private static let badBits = [
        "", "0", "7", "16", "99", "08", "010", "-9", "+9", "1O", "10.0", "0xA", "\"\"", "\"7\"",
        "\"",
        "10\"", "\"10", "9 9", "'9'",
    ]

    @Test(
        arguments: bad
            + badBits.flatMap { bits in
                ["server", "client"].map { "permessage-deflate; \($0)_max_window_bits=\(bits)" }
            })
    func `a bad offer is declined, and the next one is taken`(offer: String) {
        #expect(DeflateOffer.first(in: [offer]) == nil)
        let good = "permessage-deflate; server_max_window_bits=11"
        for values in [["\(offer), \(good)"], [offer, good], [offer, offer, "\(good), \(offer)"]] {
            #expect(DeflateOffer.first(in: values)?.serverWindow == DeflateWindow(bits: 11))
        }
    }

    @Test func `the first good offer wins`() {
        let values = ["permessage-deflate; server_max_window_bits=9, permessage-deflate"]

        #expect(DeflateOffer.first(in: values)?.serverWindow == DeflateWindow(bits: 9))
        #expect(DeflateOffer.first(in: []) == nil)
    }

    @Test func `a window fits messages up to its size, the largest one all`() {
        for bits in UInt8(8)...14 {
            let window = DeflateWindow(bits: bits)
            #expect(window.fits(messageByteCount: 1 << Int(bits)))
            #expect(!window.fits(messageByteCount: 1 << Int(bits) + 1))
        }
        #expect(DeflateWindow.largest.fits(messageByteCount: 1 << 20))
    }

    @Test(arguments: [
        (true, ["permessage-deflate; client_max_window_bits"], answer),
        (
            true, ["permessage-deflate; server_max_window_bits=9"],
            answer + "; server_max_window_bits=9"
        ),
        (true, ["permessage-deflate; what"], nil), (true, [], nil),
        (false, ["permessage-deflate"], nil),
    ])
    func `the handshake's answer names the extension only if it was offered and is on`(
        isOn: Bool, offers: [String], expected: String?
    ) {
        let fields = [
            "upgrade": ["websocket"], "connection": ["Upgrade"], "sec-websocket-version": ["13"],
            "sec-websocket-key": ["dGhlIHNhbXBsZSBub25jZQ=="], "sec-websocket-extensions": offers,
        ]
        let answer = WebSocketUpgrade.answer(
            method: "GET", isHTTP11: true, agreesToDeflate: isOn
        ) { fields[$0] ?? [] }

        guard case .accepted(let head, let window) = answer else {
            Issue.record("refused")
            return
        }
        #expect((window != nil) == (expected != nil))
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let extensionLines = lines.filter { $0.hasPrefix("Sec-WebSocket-Extensions") }
        #expect(extensionLines == (expected.map { ["Sec-WebSocket-Extensions: \($0)"] } ?? []))
    }
}
