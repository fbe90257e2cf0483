// Every prefix, every split, and one claim for each way two parsers could frame a response differently.

import Testing

@testable import WS

private func parse(
    _ text: String, answering method: HTTPMethod = .get,
    limits: HTTPClientLimits = HTTPClientLimits()
) -> ResponseParser.Result {
    var parser = ResponseParser(answering: method, limits: limits)
    return parser.parse(Array(text.utf8).span)
}

private func fault(
    _ text: String, limits: HTTPClientLimits = HTTPClientLimits()
) -> ResponseFault? {
    if case .malformed(let fault) = parse(text, limits: limits) { return fault }
    return nil
}

private func head(_ text: String, answering method: HTTPMethod = .get) -> ResponseHead? {
    if case .complete(let head) = parse(text, answering: method) { return head }
    return nil
}

private func ok(_ fields: String...) -> String {
    "HTTP/1.1 200 OK\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

@Suite struct ResponseParserTests {
    @Test func `every prefix of a head is incomplete, and every split reads the same head`() {
        let bytes = Array(ok("Content-Length: 3", "X:\t v ", "Connection: close").utf8)
        let whole = parse(String(decoding: bytes, as: UTF8.self))

        for split in 0..<bytes.count {
            var parser = ResponseParser(answering: .get, limits: HTTPClientLimits())
            let first = parser.parse(Array(bytes[..<split]).span)
            #expect(first == .incomplete, "prefix of \(split)")
            let second = parser.parse(bytes.span)
            #expect(second == whole, "split at \(split)")
        }
        guard case .complete(let head) = whole else {
            Issue.record("not complete")
            return
        }
        #expect(head.byteCount == bytes.count)
        #expect(head.status == 200)
        #expect(head.framing == .length(3))
        #expect(!head.keepsAlive)
    }

    @Test(arguments: [
        "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 Very well indeed", "HTTP/1.0 404 é",
        "HTTP/1.1 599 x", "HTTP/1.1 100 Continue",
    ])
    func `a status line has a version, three digits and any words`(line: String) {
        #expect(head(line + "\r\n\r\n") != nil)
    }

    @Test(arguments: [
        "", "HTTP/1.1", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/1.1 200OK",
        "HTTP/2.0 200 OK", "http/1.1 200 OK", "HTTP/1.1 +20 OK", "HTTP/1.1 099 x",
        "HTTP/1.1 600 x", "HTTP/1.1\t200 OK", " HTTP/1.1 200 OK", "ICY 200 OK12345",
        "HTTP/1.1 200 a\u{1}",
    ])
    func `every other status line is malformed`(line: String) {
        #expect(fault(line + "\r\n\r\n") == .malformedStatusLine)
    }

    @Test func `lines end with CR LF and nothing else`() {
        #expect(fault("HTTP/1.1 200 OK\nA: b\r\n\r\n") == .malformedStatusLine)
        #expect(fault("HTTP/1.1 200 OK\r\nA: b\n\r\n") == .breach(.bareLineFeed))
        #expect(fault("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n") == .breach(.bareCarriageReturn))
        #expect(fault("HTTP/1.1 200 OK\r\nA: \u{0}\r\n\r\n") == .breach(.controlByte))
        #expect(fault("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n") == .breach(.foldedField))
        #expect(fault("HTTP/1.1 200 OK\r\nA : b\r\n\r\n") == .breach(.malformedField))
    }

    @Test func `a body that two parsers could frame differently is refused`() {
        #expect(
            fault(ok("Content-Length: 1", "Transfer-Encoding: chunked"))
                == .breach(.contentLengthWithTransferEncoding))
        #expect(
            fault(ok("Content-Length: 1", "Content-Length: 1")) == .breach(.duplicateContentLength))
        for length in ["+1", "1,1", "0x1", "1 1", "", "-1", "99999999999999999999"] {
            #expect(fault(ok("Content-Length: \(length)")) == .breach(.malformedContentLength))
        }
        #expect(
            fault(ok("Transfer-Encoding: gzip, chunked")) == .breach(.unsupportedTransferCoding))
        #expect(fault(ok("Transfer-Encoding: gzip")) == .breach(.malformedTransferEncoding))
        #expect(
            fault(ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"))
                == .breach(.malformedTransferEncoding))
        #expect(
            fault("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                == .breach(.transferEncodingInHTTP10))
    }

    @Test func `without a length the close ends the body, and the connection`() {
        let head = head(ok())
        #expect(head?.framing == .untilClose)
        #expect(head?.keepsAlive == false)
    }

    @Test(arguments: [
        "204 No Content", "304 Not Modified", "100 Continue", "101 Switching Protocols",
    ])
    func `some statuses have no body, whatever their fields say`(status: String) {
        #expect(
            head("HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\n")?.framing == ResponseFraming.none
        )
    }

    @Test func `the answer to HEAD has no body`() {
        #expect(head(ok("Content-Length: 5"), answering: .head)?.framing == ResponseFraming.none)
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: Close", false),
        ("HTTP/1.1", "Connection: a, close", false), ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: keep-alive", true),
    ])
    func `the connection stays as the version and its field say`(
        version: String, field: String, stays: Bool
    ) {
        let fields = field.isEmpty ? "" : field + "\r\n"
        #expect(
            head("\(version) 200 OK\r\nContent-Length: 0\r\n\(fields)\r\n")?.keepsAlive == stays)
    }

    @Test func `limits hold at their edge`() {
        var limits = HTTPClientLimits()
        limits.fieldCountMax = 2
        limits.statusLineByteCountMax = 20
        limits.fieldsByteCountMax = 24
        let line = "HTTP/1.1 200 " + String(repeating: "x", count: 7)

        #expect(fault(line + "\r\n\r\n", limits: limits) == nil)
        #expect(fault(line + "x\r\n\r\n", limits: limits) == .malformedStatusLine)
        #expect(fault(ok("A: 1", "B: 2"), limits: limits) == nil)
        #expect(fault(ok("A: 1", "B: 2", "C: 3"), limits: limits) == .breach(.tooManyFields))
        let value = String(repeating: "x", count: 19)
        #expect(fault(ok("A: \(value)"), limits: limits) == nil)
        #expect(fault(ok("A: \(value)x"), limits: limits) == .breach(.fieldsTooLarge))
    }
}
