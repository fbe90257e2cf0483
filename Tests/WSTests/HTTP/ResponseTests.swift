import Foundation
import Loop
import Testing

@testable import WS

@Suite struct ResponseTests {
    private func head(
        _ response: Response, version: HTTPVersion = .http11, keepsAlive: Bool = true
    ) -> String {
        var bytes: [UInt8] = []
        ResponseWriter.appendHead(
            of: response, version: version, keepsAlive: keepsAlive, date: Array("now".utf8),
            to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a head has status, date, length and the response's own fields`() {
        var response = Response(.ok, contentType: "text/plain", body: Array("hello".utf8))
        response.add("X-Own", "1")
        #expect(
            head(response)
                == "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\nContent-Type: text/plain\r\nX-Own: 1\r\n\r\n"
        )
    }

    @Test func `a status without body has no Content-Length`() {
        for status in HTTPStatus.allCases {
            #expect(head(Response(status)).contains("Content-Length") == !status.forbidsBody)
        }
        #expect(HTTPStatus.noContent.forbidsBody)
        #expect(HTTPStatus.notModified.forbidsBody)
    }

    @Test func `HEAD, 204 and 304 send no body`() {
        let body: [UInt8] = [1]
        #expect(ResponseWriter.sendsBody(of: Response(.ok, body: body), to: .get))
        #expect(!ResponseWriter.sendsBody(of: Response(.ok, body: body), to: .head))
        #expect(!ResponseWriter.sendsBody(of: Response(.noContent, body: body), to: .get))
        #expect(!ResponseWriter.sendsBody(of: Response(.notModified, body: body), to: .get))
    }

    @Test func `the connection's fate is announced where it is not the default`() {
        let response = Response(.ok)
        #expect(!head(response).contains("Connection"))
        #expect(head(response, keepsAlive: false).contains("\r\nConnection: close\r\n"))
        #expect(head(response, version: .http10).contains("\r\nConnection: keep-alive\r\n"))
        #expect(
            head(response, version: .http10, keepsAlive: false).contains(
                "\r\nConnection: close\r\n"))
    }

    @Test func `a value cannot end its line`() {
        var response = Response(.ok)
        response.add("X", "a\r\nSet-Cookie: b\u{0}")
        #expect(head(response).contains("\r\nX: a  Set-Cookie: b \r\n"))
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
    ])
    func `a date is written as RFC 9110 wants it`(seconds: Int64, text: String) {
        #expect(HTTPDate.format(WallTime(microseconds: seconds * 1_000_000)) == text)
    }

    @Test func `the date follows the clock from second to second`() {
        var date = HTTPDate()
        let first = date.bytes(at: WallTime(microseconds: 999_999))
        #expect(first == date.bytes(at: WallTime(microseconds: 1)))
        #expect(first != date.bytes(at: WallTime(microseconds: 1_000_000)))
    }
}

@Suite struct ProblemTests {
    private func object(_ response: Response) throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(with: Data(response.body))
        return try #require(json as? [String: Any])
    }

    @Test func `a problem has the members of the replaced server`() throws {
        let request = Request.sample("/api/products?offset=-1&access_token=t")
        let response = Problem(.badRequest, detail: "Invalid pagination parameters.").response(
            to: request)

        let json = try object(response)

        #expect(response.header("Content-Type") == "application/problem+json")
        #expect(json["type"] as? String == "https://httpstatuses.com/400")
        #expect(json["title"] as? String == "Bad Request")
        #expect(json["status"] as? Int == 400)
        #expect(json["detail"] as? String == "Invalid pagination parameters.")
        #expect(json["instance"] as? String == "/api/products?offset=-1&access_token=redacted")
        #expect(json["traceId"] as? String == request.trace.text)
        #expect(json["errors"] == nil)
    }

    @Test func `validation errors are a map of lists, and replace the detail`() throws {
        let problem = Problem(
            .badRequest, title: "One or more validation errors occurred.",
            errors: [(member: "items", messages: ["a", "b"]), (member: "\"x\"", messages: [])])

        let json = try object(problem.response(to: .sample("/")))

        #expect(json["title"] as? String == "One or more validation errors occurred.")
        #expect(json["detail"] == nil)
        #expect(json["errors"] as? [String: [String]] == ["items": ["a", "b"], "\"x\"": []])
    }

    @Test func `any text survives as a JSON string`() throws {
        let all = (0..<0x180).compactMap(UnicodeScalar.init).map(String.init).joined() + "\u{2028}😀"
        let json = try object(Problem(.notFound, detail: all).response(to: .sample("/")))
        #expect(json["detail"] as? String == all)
    }

    @Test func `every refusal has a problem with its status`() throws {
        for error in HTTPError.allCases {
            let response = error.response(to: nil, trace: Request.sample("/").trace)
            let json = try object(response)
            #expect(json["status"] as? Int == error.status.rawValue)
            #expect(error.status.rawValue >= 400)
            #expect(json["instance"] == nil)
            #expect((response.header("Allow") != nil) == (error.status == .methodNotAllowed))
        }
    }
}
