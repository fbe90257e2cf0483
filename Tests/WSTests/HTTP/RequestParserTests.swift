// Every prefix, every split, and one claim for each way two parsers could read a head differently.

import Testing

@testable import WS

/// Parses the whole text at once.
private func parse(
    _ text: String, limits: HTTPLimits = HTTPLimits()
) -> RequestParser.Result {
    parse(Array(text.utf8), limits: limits)
}

private func parse(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> RequestParser.Result {
    var parser = RequestParser(limits: limits)
    return parser.parse(bytes.span)
}

private func error(_ text: String, limits: HTTPLimits = HTTPLimits()) -> HTTPError? {
    if case .malformed(let error) = parse(text, limits: limits) { return error }
    return nil
}

private func head(_ text: String, limits: HTTPLimits = HTTPLimits()) -> RequestHead? {
    if case .complete(let head) = parse(text, limits: limits) { return head }
    return nil
}

/// A GET with the given field lines behind a valid Host.
private func get(_ fields: String...) -> String {
    "GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

private func requestLine(_ line: String) -> String { line + "\r\nHost: a\r\n\r\n" }

@Suite struct RequestParserTests {
    // MARK: Splits

    @Test func `every prefix of a valid head is incomplete and the whole is complete`() {
        let text =
            "\r\nPOST /a%20b?x=1&y HTTP/1.1\r\nHost: shop:80\r\nContent-Length: 3\r\nX:\t v \r\n\r\n"
        let bytes = Array(text.utf8)

        for end in 0..<bytes.count {
            #expect(parse(Array(bytes[..<end])) == .incomplete, "prefix of \(end)")
        }

        guard case .complete(let head) = parse(bytes) else {
            Issue.record("not complete")
            return
        }
        #expect(head.byteCount == bytes.count)
        #expect(head.framing == .length(3))
        #expect(String(decoding: bytes[head.pathRange.indices], as: UTF8.self) == "/a%20b")
        #expect(String(decoding: bytes[head.queryRange!.indices], as: UTF8.self) == "x=1&y")
        #expect(String(decoding: bytes[head.fields[2].valueRange.indices], as: UTF8.self) == "v")
    }

    @Test func `a head in two parts is read as the same head, wherever it is split`() {
        let bytes = Array(get("Transfer-Encoding: chunked", "Connection: close").utf8)
        let whole = parse(bytes)

        for split in 0...bytes.count {
            var parser = RequestParser(limits: HTTPLimits())
            let first = parser.parse(Array(bytes[..<split]).span)
            if split == bytes.count {
                #expect(first == whole)
            } else {
                #expect(first == .incomplete)
                let second = parser.parse(bytes.span)
                #expect(second == whole, "split at \(split)")
            }
        }
    }

    @Test func `a head that comes byte by byte is read`() {
        let bytes = Array(get("A: b").utf8)
        var parser = RequestParser(limits: HTTPLimits())
        for end in 1..<bytes.count {
            let result = parser.parse(Array(bytes[..<end]).span)
            #expect(result == .incomplete)
        }
        let result = parser.parse(bytes.span)
        #expect(result == parse(bytes))
    }

    @Test func `the parser is ready for the next request after each one`() {
        let one = Array(get("A: b").utf8)
        var parser = RequestParser(limits: HTTPLimits())
        for _ in 0..<3 {
            let result = parser.parse(one.span)
            #expect(result == parse(one))
        }
    }

    @Test func `a malformed head is refused alike, wherever it is split`() {
        let malformed = [
            requestLine("GET  / HTTP/1.1"), get("A : b"), get("A: b\rc"), get(" folded"),
            get("Content-Length: 1", "Transfer-Encoding: chunked"), "GET / HTTP/1.1\n\n",
        ]
        for text in malformed {
            let bytes = Array(text.utf8)
            for split in 0...bytes.count {
                var parser = RequestParser(limits: HTTPLimits())
                var result = parser.parse(Array(bytes[..<split]).span)
                if result == .incomplete { result = parser.parse(bytes.span) }
                #expect(result == parse(bytes), "\(text) split at \(split)")
            }
        }
    }

    // MARK: Lines

    @Test func `a line that does not end with CR LF is refused`() {
        #expect(error("GET / HTTP/1.1\nHost: a\r\n\r\n") == .bareLineFeed)
        #expect(error("GET / HTTP/1.1\r\nHost: a\n\r\n") == .bareLineFeed)
        #expect(error("GET / HTTP/1.1\r\nHost: a\r\n\n") == .bareLineFeed)
        #expect(error("\nGET / HTTP/1.1\r\n") == .bareLineFeed)
        #expect(error("GET / HTTP/1.1\rHost: a\r\n\r\n") == .bareCarriageReturn)
        #expect(error("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n") == .bareCarriageReturn)
        #expect(error("GET / HTTP/1.1\r\nHost: a\r\n\rX") == .bareCarriageReturn)
    }

    @Test func `every control byte but TAB is refused anywhere in a head`() {
        for byte in UInt8(0)...0x7F where byte.isForbiddenControl && byte != 0x0A && byte != 0x0D {
            let control = String(UnicodeScalar(byte))
            #expect(error(get("A: b\(control)c")) == .controlByte)
            #expect(error(get("A\(control): b")) == .controlByte)
            #expect(error(requestLine("GET /\(control) HTTP/1.1")) == .controlByte)
        }
        #expect(head(get("A: b\tc")) != nil)
    }

    @Test func `bytes above 0x7F are allowed in values and nowhere else`() {
        for byte in UInt8(0x80)...0xFF {
            func result(_ before: String, _ after: String) -> RequestParser.Result {
                parse(Array(before.utf8) + [byte] + Array(after.utf8))
            }
            if case .complete = result("GET / HTTP/1.1\r\nHost: a\r\nA: x", "\r\n\r\n") {
            } else {
                Issue.record("obs-text \(byte) was refused")
            }
            #expect(
                result("GET / HTTP/1.1\r\nHost: a\r\nA", ": x\r\n\r\n")
                    == .malformed(.malformedField))
            #expect(result("GET /", " HTTP/1.1\r\n\r\n") == .malformed(.malformedTarget))
            #expect(
                result("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1", "\r\n\r\n")
                    == .malformed(.malformedContentLength))
        }
    }

    @Test func `a few empty lines before the request line are skipped`() {
        let most = String(repeating: "\r\n", count: HTTPLimits().leadingEmptyLineCountMax)
        #expect(head(most + get()) != nil)
        #expect(error("\r\n" + most + get()) == .tooManyEmptyLines)
    }

    // MARK: Request line

    @Test(arguments: [
        "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET /",
        "GET", "GET / a HTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "G@T / HTTP/1.1",
        "GET HTTP/1.1", "/ HTTP/1.1", "GET / http/1.1", "GET / HTTP/1", "GET / HTTP/1.10",
        "GET / HTTP/11", "GET / HTTP/1,1", "GET / HTTP/a.1", "GET / XTTP/1.1", "GET / HTTP /1.1",
        "GET relative HTTP/1.1", "GET /a#b HTTP/1.1", "GET /a\"b HTTP/1.1", "GET /<a> HTTP/1.1",
        "GET /a\\b HTTP/1.1", "GET * HTTP/1.1", "OPTIONS ** HTTP/1.1", "GET /% HTTP/1.1",
        "GET /%4 HTTP/1.1", "GET /%zz HTTP/1.1", "GET /%00 HTTP/1.1", "GET http:// HTTP/1.1",
        "GET http:///a HTTP/1.1", "GET http://u@a/ HTTP/1.1", "GET ftp://a/ HTTP/1.1",
        "GET http://a:x/ HTTP/1.1", "GET http:/a HTTP/1.1",
    ])
    func `a malformed request line is 400`(line: String) {
        #expect(error(requestLine(line))?.status == .badRequest)
    }

    @Test func `only HTTP 1 is spoken, and its minor versions above 1 count as 1`() {
        #expect(error(requestLine("GET / HTTP/2.0")) == .unsupportedVersion)
        #expect(error(requestLine("PRI * HTTP/2.0")) == .unsupportedVersion)
        #expect(error(requestLine("GET / HTTP/0.9")) == .unsupportedVersion)
        #expect(HTTPError.unsupportedVersion.status == .versionNotSupported)
        for minor in 1...9 {
            #expect(head(requestLine("GET / HTTP/1.\(minor)"))?.version == .http11)
        }
        #expect(head("GET / HTTP/1.0\r\n\r\n")?.version == .http10)
    }

    @Test func `methods are told apart by their exact bytes`() {
        for method in HTTPMethod.allCases where method != .other && method != .connect {
            #expect(head(requestLine("\(method.text) / HTTP/1.1"))?.method == method)
        }
        #expect(head(requestLine("get / HTTP/1.1"))?.method == .other)
        #expect(head(requestLine("BREW / HTTP/1.1"))?.method == .other)
        #expect(error(requestLine("CONNECT a:443 HTTP/1.1")) == .connectRefused)
    }

    @Test func `an absolute target names path and query, and its host may differ from Host`() {
        let text = "GET HTTP://other:8080/p?q HTTP/1.1\r\nHost: a\r\n\r\n"
        let bytes = Array(text.utf8)
        guard case .complete(let head) = parse(bytes) else {
            Issue.record("refused")
            return
        }
        #expect(String(decoding: bytes[head.pathRange.indices], as: UTF8.self) == "/p")
        #expect(String(decoding: bytes[head.queryRange!.indices], as: UTF8.self) == "q")
        #expect(
            String(decoding: bytes[head.authorityRange!.indices], as: UTF8.self) == "other:8080")
        #expect(targetHead("GET http://a HTTP/1.1")?.pathRange.isEmpty == true)
        #expect(targetHead("GET https://a?q HTTP/1.1")?.queryRange?.count == 1)
    }

    private func targetHead(_ line: String) -> RequestHead? { head(requestLine(line)) }

    // MARK: Fields

    @Test(arguments: [
        "A : b", ": b", "A", "A b: c", "A\t: b", "(A): b", "A@: b", "A/B: c", "A=B: c", "A,B: c",
        "\"A\": b", "[A]: b", "A;: b",
    ])
    func `a field whose name is no token before a colon is refused`(line: String) {
        #expect(error(get(line)) == .malformedField)
    }

    @Test func `a folded field is refused`() {
        #expect(error(get("A: b", " c")) == .foldedField)
        #expect(error(get("A: b", "\tc")) == .foldedField)
        #expect(error("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == .foldedField)
        #expect(error(get("A: b", " ")) == .foldedField)
    }

    @Test func `blanks around a value are no part of it, and a value may be empty`() {
        for line in ["A:b", "A: b", "A:\tb", "A: \t b\t ", "A:b "] {
            let bytes = Array(get(line).utf8)
            guard case .complete(let head) = parse(bytes) else {
                Issue.record("\(line) was refused")
                continue
            }
            #expect(Array(bytes[head.fields[1].valueRange.indices]) == Array("b".utf8))
        }
        #expect(head(get("A:"))?.fields[1].valueRange.isEmpty == true)
        #expect(head(get("A: \t "))?.fields[1].valueRange.isEmpty == true)
    }

    @Test func `known names are found in any case`() {
        for name in HeaderName.allCases where name != .other && name != .host {
            let text = name.text.description
            for spelling in [text, text.uppercased()] {
                let bytes = Array("\(spelling)".utf8)
                let found = HeaderName(bytes.span, ByteRange(0, bytes.count))
                #expect(found == name)
            }
        }
        let other = Array("x-unknown".utf8)
        let found = HeaderName(other.span, ByteRange(0, other.count))
        #expect(found == .other)
    }

    // MARK: Host

    @Test func `HTTP 1 1 needs exactly one Host and HTTP 1 0 at most one`() {
        #expect(error("GET / HTTP/1.1\r\n\r\n") == .missingHost)
        #expect(error("GET http://a/ HTTP/1.1\r\n\r\n") == .missingHost)
        #expect(error(get("Host: a")) == .duplicateHost)
        #expect(error(get("hOST: b")) == .duplicateHost)
        #expect(error("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == .duplicateHost)
        #expect(head("GET / HTTP/1.0\r\nHost: a\r\n\r\n") != nil)
    }

    @Test(arguments: [
        "a", "a.example", "A-b_c~", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:443",
        "[fe80::1.2.3.4]", "a:", "a%20b", "xn--bcher-kva.example:65535",
    ])
    func `a valid Host is accepted`(host: String) {
        #expect(head("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") != nil)
    }

    @Test(arguments: [
        "", "a b", "a,b", "a, b", "a/b", "http://a", "u@a", "a:b", "a:80:80", "a:65536", "a:-1",
        "[::1", "::1", "[]", "[g::1]", "[::1]a", "a?b", "a#b", "a%2", "a%zz", ":80", "a\"", "<a>",
        "a\\b", "{a}",
    ])
    func `an invalid Host is refused`(host: String) {
        #expect(error("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .malformedHost)
    }

    // MARK: Framing

    @Test func `a Content-Length is one decimal number`() {
        #expect(head(get("Content-Length: 0"))?.framing == .length(0))
        #expect(head(get("Content-Length: \(Int.max)"))?.framing == .length(.max))
        #expect(head(get("Content-Length: 0010"))?.framing == .length(10))
        #expect(head(get("content-length:7"))?.framing == .length(7))
        #expect(head(get())?.framing == BodyFraming.none)
    }

    @Test(arguments: [
        "", "+1", "-1", "-0", "0x1", "1_0", "1 0", "1,1", "1, 1", "1.0", "1e1", "a", "1a", "\"1\"",
        "9223372036854775808", "18446744073709551617", "99999999999999999999999999", "1;q", ",1",
        "1,", "٣",
    ])
    func `everything else as Content-Length is refused`(value: String) {
        #expect(error(get("Content-Length: \(value)")) == .malformedContentLength)
    }

    @Test func `two Content-Lengths are refused, equal ones too`() {
        #expect(error(get("Content-Length: 1", "Content-Length: 1")) == .duplicateContentLength)
        #expect(error(get("Content-Length: 1", "content-length: 2")) == .duplicateContentLength)
    }

    @Test func `Content-Length and Transfer-Encoding together are refused, in either order`() {
        let both = HTTPError.contentLengthWithTransferEncoding
        #expect(error(get("Content-Length: 1", "Transfer-Encoding: chunked")) == both)
        #expect(error(get("Transfer-Encoding: chunked", "Content-Length: 1")) == both)
        #expect(error(get("Transfer-Encoding: x", "Content-Length: 1")) == both)
    }

    @Test(
        arguments: [
            ("chunked", nil), ("CHUNKED", nil), ("\tchunked \t", nil),
            ("gzip, chunked", .unsupportedTransferCoding),
            ("x,chunked", .unsupportedTransferCoding),
            ("gzip", .malformedTransferEncoding), ("identity", .malformedTransferEncoding),
            ("chunked, chunked", .malformedTransferEncoding),
            ("chunked, gzip", .malformedTransferEncoding),
            ("chunked, identity", .malformedTransferEncoding),
            (",chunked", .malformedTransferEncoding), ("chunked,", .malformedTransferEncoding),
            ("", .malformedTransferEncoding), ("chunked;q=1", .malformedTransferEncoding),
            ("xchunked", .malformedTransferEncoding), ("chunkedx", .malformedTransferEncoding),
            ("\"chunked\"", .malformedTransferEncoding), ("chun ked", .malformedTransferEncoding),
        ] as [(String, HTTPError?)])
    func `the only Transfer-Encoding is chunked`(value: String, expected: HTTPError?) {
        let text = get("Transfer-Encoding: \(value)")
        #expect(error(text) == expected)
        if expected == nil { #expect(head(text)?.framing == .chunked) }
    }

    @Test func `two Transfer-Encodings, and any in HTTP 1 0, are refused`() {
        #expect(
            error(get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"))
                == .malformedTransferEncoding)
        #expect(
            error(get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"))
                == .malformedTransferEncoding)
        #expect(
            error("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
                == .transferEncodingInHTTP10)
    }

    // MARK: Persistence and expectation

    @Test func `a connection stays open as its version and Connection say`() {
        #expect(head(get())?.keepsAlive == true)
        #expect(head(get("Connection: close"))?.keepsAlive == false)
        #expect(head(get("Connection: foo, CLOSE"))?.keepsAlive == false)
        #expect(head(get("Connection: foo", "Connection: close"))?.keepsAlive == false)
        #expect(head(get("Connection: closed"))?.keepsAlive == true)
        #expect(head("GET / HTTP/1.0\r\n\r\n")?.keepsAlive == false)
        #expect(head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")?.keepsAlive == true)
        #expect(
            head("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n")?.keepsAlive == false)
    }

    @Test func `only 100-continue is expected, only before a body, and never in HTTP 1 0`() {
        #expect(head(get("Expect: 100-Continue", "Content-Length: 1"))?.expectsContinue == true)
        #expect(head(get("Expect: 100-continue", "Content-Length: 0"))?.expectsContinue == false)
        #expect(head(get("Expect: 100-continue"))?.expectsContinue == false)
        #expect(error(get("Expect: 200-ok")) == .unsupportedExpectation)
        #expect(
            error(get("Expect: 100-continue", "Expect: more")) == .unsupportedExpectation)
        #expect(head("GET / HTTP/1.0\r\nExpect: magic\r\n\r\n")?.expectsContinue == false)
        #expect(HTTPError.unsupportedExpectation.status == .expectationFailed)
    }

    // MARK: Limits

    @Test func `a request line of the limit passes and one byte more is 414`() {
        let limits = HTTPLimits()
        let frame = "GET / HTTP/1.1".utf8.count
        for (extra, expected) in [(-1, nil), (0, nil), (1, HTTPError.requestLineTooLong)] {
            let path = String(repeating: "a", count: limits.requestLineByteCountMax - frame + extra)
            #expect(error(requestLine("GET /\(path) HTTP/1.1")) == expected)
        }
        #expect(HTTPError.requestLineTooLong.status == .uriTooLong)
    }

    @Test func `an endless line is refused before it ends`() {
        let line = "GET /" + String(repeating: "a", count: HTTPLimits().requestLineByteCountMax)
        #expect(error(line) == .requestLineTooLong)
        let field =
            "GET / HTTP/1.1\r\nA: " + String(repeating: "a", count: HTTPLimits().fieldsByteCountMax)
        #expect(error(field) == .fieldsTooLarge)
    }

    @Test func `fields of the limit pass and one more is 431`() {
        let countMax = HTTPLimits().fieldCountMax
        for (count, expected) in [
            (countMax - 1, nil), (countMax, nil), (countMax + 1, HTTPError.tooManyFields),
        ] {
            let fields = String(repeating: "A: b\r\n", count: count - 1)
            #expect(error("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n") == expected)
        }
        #expect(HTTPError.tooManyFields.status == .headerFieldsTooLarge)
    }

    @Test func `field bytes of the limit pass and one more is 431`() {
        let byteCountMax = HTTPLimits().fieldsByteCountMax
        let frame = "Host: a\r\nA: \r\n".utf8.count
        for (extra, expected) in [(-1, nil), (0, nil), (1, HTTPError.fieldsTooLarge)] {
            let value = String(repeating: "v", count: byteCountMax - frame + extra)
            #expect(error("GET / HTTP/1.1\r\nHost: a\r\nA: \(value)\r\n\r\n") == expected)
        }
    }
}
