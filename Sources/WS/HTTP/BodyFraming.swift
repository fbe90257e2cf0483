// BodyFraming: from the fields of a head, where the body behind it ends.
//
//   Transfer-Encoding  Content-Length    body
//   none               none              none (of a response: until the close)
//   none               one number        that many bytes
//   chunked            none              chunked
//   everything else                      refused: each such message has smuggled another somewhere
//
// Thread: pure functions.  Allocates: never.  Source: RFC 9112 §6.1, §6.2, §6.3; RFC 9110 §8.6.

/// How the end of the body is found (RFC 9112 §6.3).
public enum BodyFraming: Equatable, Sendable {
    case none
    /// Content-Length; zero is possible.
    case length(Int)
    case chunked
}

extension BodyFraming {
    init(
        _ fields: [HeaderField], version: HTTPVersion, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        let lengthCount = fields.count(of: .contentLength)
        if let coding = fields.first(.transferEncoding) {
            if lengthCount > 0 { throw .contentLengthWithTransferEncoding }
            if version == .http10 { throw .transferEncodingInHTTP10 }
            if fields.count(of: .transferEncoding) > 1 { throw .malformedTransferEncoding }
            try Self.checkTransferEncoding(coding, bytes)
            self = .chunked
            return
        }
        // Two equal lengths may be merged (RFC 9110 §8.6), but nobody honest sends them.
        if lengthCount > 1 { throw .duplicateContentLength }
        guard let length = fields.first(.contentLength) else {
            self = .none
            return
        }
        self = .length(try Self.contentLength(length, bytes))
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
}
