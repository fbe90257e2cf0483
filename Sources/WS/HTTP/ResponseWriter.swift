// ResponseWriter: the bytes of a response's head.
//
//   HTTP/1.1 200 OK␍␊Date: …␍␊Content-Length: 12␍␊(Connection: …␍␊)(fields)␍␊
//
// Thread: pure functions.  Allocates: when `output` grows.  Source: RFC 9112 §4, §9.3, §9.6;
// RFC 9110 §6.6.1, §8.6.

enum ResponseWriter {
    /// How the peer finds the end of the body (RFC 9112 §6.3).
    enum Framing {
        /// By its length.
        case length
        /// By the end of the connection.
        case untilClose
    }

    /// Appends status line and fields, up to and including the empty line.
    ///
    /// - Parameters:
    ///   - version: of the request; HTTP/1.0 must be told that the connection stays.
    ///   - keepsAlive: whether another request is read after this one.
    ///   - date: as `HTTPDate` makes it.
    static func appendHead(
        of response: Response, version: HTTPVersion, keepsAlive: Bool, date: [UInt8],
        framing: Framing = .length, to output: inout [UInt8]
    ) {
        output.append("HTTP/1.1 ")
        output.append(decimal: response.status.rawValue)
        output.append(.space)
        output.append(response.status.reasonPhrase)
        output.append("\r\nDate: ")
        output.append(contentsOf: date)
        if framing == .length, !response.status.forbidsBody {
            output.append("\r\nContent-Length: ")
            output.append(decimal: response.body.count)
        }
        if !keepsAlive {
            output.append("\r\nConnection: close")
        } else if version == .http10 {
            output.append("\r\nConnection: keep-alive")
        }
        for field in response.fields {
            output.append("\r\n")
            output.append(contentsOf: field.name.utf8)
            output.append(": ")
            for byte in field.value.utf8 { output.append(byte.isForbiddenControl ? .space : byte) }
        }
        output.append("\r\n\r\n")
    }

    /// Whether the body follows the head: never for HEAD, nor where the status has none.
    static func sendsBody(of response: Response, to method: HTTPMethod) -> Bool {
        method != .head && !response.status.forbidsBody && !response.body.isEmpty
    }
}

extension [UInt8] {
    mutating func append(_ text: StaticString) {
        append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A number that is not negative, in decimal digits.
    mutating func append(decimal value: Int) {
        precondition(value >= 0)
        if value >= 10 { append(decimal: value / 10) }
        append(0x30 + UInt8(value % 10))
    }
}
