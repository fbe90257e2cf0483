// UpgradeRequest: the opening handshake of a WebSocket, as a client.
//
//   GET /hub?id=… HTTP/1.1, Upgrade: websocket, Sec-WebSocket-Key ─▶
//                                         ◀─ 101, Sec-WebSocket-Accept = SHA-1(key + constant)
//
// Thread: one loop.  Allocates: the request, per connection.  Source: RFC 6455 §4.1.

import WS

struct UpgradeRequest {
    /// One key for all connections of a run: it keeps caches from answering, and there is none.
    private static let key = "YmVuY2ggb2YgY29udG9zbw=="
    private static let expectedAccept = Array(AcceptKey.make(for: key).utf8)
    private static let headByteCountMax = 16 * 1024

    static func bytes(
        _ target: NegotiatedTarget, token: String?, headers: [(name: String, value: String)]
    ) -> [UInt8] {
        var parameters: [String] = []
        if let id = target.connectionToken { parameters.append("id=" + encoded(id)) }
        // A browser cannot set a field on a WebSocket, so SignalR takes the token from the query.
        if let token { parameters.append("access_token=" + encoded(token)) }
        let mark = target.url.target.contains("?") ? "&" : "?"
        let query = parameters.isEmpty ? "" : mark + parameters.joined(separator: "&")
        var request = ClientRequest(
            .get, HTTPURL(origin: target.url.origin, target: target.url.target + query))
        request.add("Upgrade", "websocket")
        request.add("Connection", "Upgrade")
        request.add("Sec-WebSocket-Version", "13")
        request.add("Sec-WebSocket-Key", key)
        for header in headers { request.add(header.name, header.value) }
        return request.bytes
    }

    enum Answer: Equatable {
        case incomplete
        /// Bytes of the response; frames follow.
        case accepted(byteCount: Int)
        case refused(String)
    }

    static func answer(_ bytes: UnsafeRawBufferPointer) -> Answer {
        guard let end = headEnd(bytes) else {
            return bytes.count > headByteCountMax ? .refused("the answer has no end") : .incomplete
        }
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        guard let status = lines.first, status.hasPrefix("HTTP/1.1 ") else {
            return .refused("the answer is no HTTP/1.1")
        }
        guard status.hasPrefix("HTTP/1.1 101") else {
            return .refused("status \(status.dropFirst(9).prefix(3)); check the URL and the token")
        }
        let accept = lines.dropFirst().first {
            $0.lowercased().hasPrefix("sec-websocket-accept:")
        }
        let value = accept?.drop { $0 != ":" }.dropFirst().drop { $0 == " " } ?? ""
        guard value.utf8.elementsEqual(expectedAccept) else {
            return .refused("Sec-WebSocket-Accept is wrong")
        }
        return .accepted(byteCount: end)
    }

    /// Bytes up to and with the empty line.
    private static func headEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for position in 3..<bytes.count
        where bytes[position] == 0x0A && bytes[position - 1] == 0x0D
            && bytes[position - 2] == 0x0A && bytes[position - 3] == 0x0D
        {
            return position + 1
        }
        return nil
    }

    /// For a query: everything but unreserved characters as %XX (RFC 3986 §2.3).
    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), 0x2D, 0x2E, 0x5F, 0x7E:
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
