// HTTPCases: reading request heads, as browsers send them.
//
// Thread: one.  Allocates: the head's array of fields.

import CMicro
import WS

extension MicroCase {
    static let httpCases = [
        readHead("http.head.post", of: browserPost, fieldCount: 14),
        readHead("http.head.get", of: browserGet, fieldCount: 15),
    ]

    /// An operation gives the bytes and the fields of the head.
    private static func readHead(
        _ name: String, of lines: [String], fieldCount: Int
    ) -> MicroCase {
        let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        return MicroCase(name, byteCount: bytes.count, each: bytes.count + fieldCount) {
            var parser = RequestParser(limits: HTTPLimits())
            return { operationCount in
                var sum: UInt64 = 0
                bytes.withUnsafeBufferPointer { buffer in
                    for _ in 0..<operationCount {
                        cmicro_clobber(buffer.baseAddress)
                        guard case .complete(let head) = parser.parse(buffer.span) else { return }
                        sum &+= UInt64(head.byteCount + head.fields.count)
                    }
                }
                return sum
            }
        }
    }

    private static let browserPost = [
        "POST /api/orders HTTP/1.1",
        "Host: shop.contoso.example",
        "Connection: keep-alive",
        "Content-Length: 62",
        "sec-ch-ua-platform: \"Linux\"",
        "Authorization: Bearer " + String(repeating: "eyJhbGciOiJI", count: 30),
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
            + " Chrome/131.0.0.0 Safari/537.36",
        "Content-Type: application/json",
        "Accept: */*",
        "Origin: https://shop.contoso.example",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: cors",
        "Referer: https://shop.contoso.example/orders",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9",
    ]

    private static let browserGet = [
        "GET /api/products?offset=0&size=20 HTTP/1.1",
        "Host: shop.contoso.example",
        "Connection: keep-alive",
        "Cache-Control: max-age=0",
        "sec-ch-ua: \"Chromium\";v=\"131\", \"Not_A Brand\";v=\"24\"",
        "sec-ch-ua-mobile: ?0",
        "sec-ch-ua-platform: \"Linux\"",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
            + " Chrome/131.0.0.0 Safari/537.36",
        "Accept: application/json, text/plain, */*",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: empty",
        "Referer: https://shop.contoso.example/",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9",
        "If-None-Match: \"5f2c-63a1b2\"",
    ]
}
