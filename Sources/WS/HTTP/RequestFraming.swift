// RequestFraming: from the fields of a head, where its body ends and whether the connection lives on.
//
//   Transfer-Encoding  Content-Length    body
//   none               none              none
//   none               one number        that many bytes
//   chunked            none              chunked
//   everything else                      refused: each such request has smuggled another somewhere
//
// Thread: pure functions.  Allocates: never.  Source: RFC 9112 §3.2, §6.1, §6.2, §6.3, §9.3;
// RFC 9110 §8.6, §10.1.1.

enum RequestFraming {
    /// Checks Host, framing, expectation and persistence, and writes them into the head.
    static func settle(
        _ head: inout RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        try checkHost(head, bytes)
        head.framing = try framing(of: head, bytes)
        head.expectsContinue = try expectation(of: head, bytes)
        let closes = head.lists("close", in: .connection, of: bytes)
        switch head.version {
        case .http11: head.keepsAlive = !closes
        case .http10:
            head.keepsAlive = !closes && head.lists("keep-alive", in: .connection, of: bytes)
        }
    }

    /// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1; none is fine in HTTP/1.0.
    private static func checkHost(
        _ head: RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        if head.count(of: .host) > 1 { throw .duplicateHost }
        guard let host = head.first(.host) else {
            if head.version == .http11 { throw .missingHost }
            return
        }
        if !RequestTarget.isHost(host, bytes) { throw .malformedHost }
    }

    private static func framing(
        of head: RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) -> BodyFraming {
        let lengthCount = head.count(of: .contentLength)
        if let coding = head.first(.transferEncoding) {
            if lengthCount > 0 { throw .contentLengthWithTransferEncoding }
            if head.version == .http10 { throw .transferEncodingInHTTP10 }
            if head.count(of: .transferEncoding) > 1 { throw .malformedTransferEncoding }
            try checkTransferEncoding(coding, bytes)
            return .chunked
        }
        // Two equal lengths may be merged (RFC 9110 §8.6), but nobody honest sends them.
        if lengthCount > 1 { throw .duplicateContentLength }
        guard let length = head.first(.contentLength) else { return .none }
        return .length(try contentLength(length, bytes))
    }

    /// Passes for exactly `chunked`. A known end after unknown codings is 501, everything without a
    /// known end 400 (RFC 9112 §6.1, §6.3).
    private static func checkTransferEncoding(
        _ range: ByteRange, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        let chunked: StaticString = "chunked"
        if chunked.equalsIgnoringCase(bytes, range) { return }
        var start = Int(range.start)
        var last = ByteRange.empty
        while start <= range.end {
            let (coding, next) = bytes.listElement(at: start, end: range.end)
            let isLast = next > range.end
            guard bytes.isToken(coding) else { throw .malformedTransferEncoding }
            if !isLast && chunked.equalsIgnoringCase(bytes, coding) {
                throw .malformedTransferEncoding
            }
            last = coding
            start = next
        }
        guard chunked.equalsIgnoringCase(bytes, last) else { throw .malformedTransferEncoding }
        throw .unsupportedTransferCoding
    }

    /// `1*DIGIT` and nothing else: no sign, no list, no blank inside (RFC 9110 §8.6).
    private static func contentLength(
        _ range: ByteRange, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) -> Int {
        if range.isEmpty { throw .malformedContentLength }
        var length = 0
        for index in range.indices {
            guard bytes[index].isDigit else { throw .malformedContentLength }
            let (shifted, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int(bytes[index] - 0x30))
            if overflow || carry { throw .malformedContentLength }
            length = sum
        }
        return length
    }

    /// RFC 9110 §10.1.1: HTTP/1.0 has no expectations, and there is no other than 100-continue.
    private static func expectation(
        of head: RequestHead, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) -> Bool {
        guard head.version == .http11 else { return false }
        var expects = false
        let known: StaticString = "100-continue"
        for field in head.fields where field.name == .expect {
            guard known.equalsIgnoringCase(bytes, field.valueRange) else {
                throw .unsupportedExpectation
            }
            expects = true
        }
        return expects && head.framing != .none && head.framing != .length(0)
    }
}
