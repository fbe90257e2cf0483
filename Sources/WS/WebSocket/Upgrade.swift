// Upgrade: the opening handshake, from an HTTP request to 101 or a refusal.
//
//   GET, HTTP/1.1 ─▶ Connection, Upgrade ─▶ version 13 ─▶ one good key ─▶ origin ─▶ 101
//        │                   │                  │              │            │
//       405, 400            400                426            400          403
//
// No sub-protocol is chosen, whatever is offered, as RFC 6455 allows and SignalR's clients expect. The
// one extension that may be agreed on is permessage-deflate. Host and request syntax are HTTP's business.
//
// Thread: any.  Allocates: strings, once per connection.  Source: RFC 6455 §4.2, §4.4; RFC 7692.

public enum WebSocketUpgrade {
    public enum Answer: Sendable {
        /// The whole 101 response; after it the connection speaks WebSocket. With a window, messages
        /// may be compressed.
        case accepted(head: [UInt8], deflateWindow: DeflateWindow?)
        /// The request is an ordinary one with this status and these header fields, and no body.
        case refused(status: Int, headers: [(String, String)])
    }

    /// Whether a request asks for a WebSocket at all: its Upgrade field names it.
    public static func isRequested(headerValues: (String) -> [String]) -> Bool {
        hasToken("websocket", in: headerValues("upgrade"))
    }

    /// Checks the handshake and makes the answer.
    ///
    /// - Parameters:
    ///   - method: as it stood in the request line.
    ///   - isHTTP11: false for HTTP/1.0.
    ///   - allowedOrigins: who may connect from a browser, as "https://shop.example"; nil allows all.
    ///     A request without Origin is not from a browser and always allowed.
    ///   - agreesToDeflate: takes the first good offer of permessage-deflate.
    ///   - headerValues: the values of a field by its lowercase name, one element per field line.
    public static func answer(
        method: String, isHTTP11: Bool, allowedOrigins: Set<String>? = nil,
        agreesToDeflate: Bool = false, headerValues: (String) -> [String]
    ) -> Answer {
        guard method == "GET" else { return .refused(status: 405, headers: [("Allow", "GET")]) }
        guard isHTTP11, hasToken("upgrade", in: headerValues("connection")),
            isRequested(headerValues: headerValues)
        else { return .refused(status: 400, headers: []) }

        guard headerValues("sec-websocket-version").map(trimmed) == ["13"] else {
            return .refused(status: 426, headers: [("Sec-WebSocket-Version", "13")])
        }
        let keys = headerValues("sec-websocket-key").map(trimmed)
        guard keys.count == 1, AcceptKey.isWellFormed(keys[0]) else {
            return .refused(status: 400, headers: [])
        }
        let origins = headerValues("origin").map(trimmed)
        if let allowedOrigins, !origins.allSatisfy({ allowedOrigins.contains(lowercased($0)) }) {
            return .refused(status: 403, headers: [])
        }
        let offer =
            agreesToDeflate ? DeflateOffer.first(in: headerValues("sec-websocket-extensions")) : nil
        return .accepted(
            head: head(key: keys[0], extensions: offer?.answer),
            deflateWindow: offer.map { $0.serverWindow ?? .largest })
    }

    private static func head(key: String, extensions: String?) -> [UInt8] {
        let text =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(AcceptKey.make(for: key))\r\n"
            + (extensions.map { "Sec-WebSocket-Extensions: \($0)\r\n" } ?? "") + "\r\n"
        return Array(text.utf8)
    }

    /// Whether one of the comma-separated tokens is `token`, in any case (RFC 9110 §5.6.1).
    private static func hasToken(_ token: String, in values: [String]) -> Bool {
        values.contains { value in
            value.utf8.split(separator: UInt8(ascii: ",")).contains { element in
                lowercased(trimmed(String(Substring(element)))) == token
            }
        }
    }

    /// Without the blanks and tabs around it (RFC 9110 §5.6.3).
    private static func trimmed(_ text: String) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        let utf8 = text.utf8.drop(while: isBlank)
        guard let last = utf8.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(Substring(utf8[...last]))
    }

    /// ASCII letters only: `String.lowercased` would turn the Kelvin sign into a k.
    private static func lowercased(_ text: String) -> String {
        String(
            decoding: text.utf8.map { byte in
                byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            }, as: UTF8.self)
    }
}
