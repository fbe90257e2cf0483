import Testing

@testable import WS

/// The outcome of decoding: the body and what was left, or the error.
private enum Outcome: Equatable {
    case complete(String, rest: Int)
    case incomplete(String)
    case refused(HTTPError)
}

/// Decodes the text in pieces that end at the given places.
private func decode(
    _ text: String, splits: [Int] = [], bodyByteCountMax: Int = 1024,
    limits: HTTPLimits = HTTPLimits()
) -> Outcome {
    let bytes = Array(text.utf8)
    var decoder = ChunkedDecoder(limits: limits, bodyByteCountMax: bodyByteCountMax)
    var body: [UInt8] = []
    var start = 0
    for end in splits + [bytes.count] where !decoder.isComplete {
        do throws(HTTPError) {
            start += try decoder.decode(Array(bytes[start..<end]).span, into: &body)
        } catch {
            return .refused(error)
        }
    }
    let decoded = String(decoding: body, as: UTF8.self)
    return decoder.isComplete
        ? .complete(decoded, rest: bytes.count - start) : .incomplete(decoded)
}

@Suite struct ChunkedDecoderTests {
    private let valid =
        "4\r\nWiki\r\n6;a=b ; c=\"d\\\"\\;\" ;e\r\npedia \r\n00E\r\nin \r\n\r\nchunks.\r\n0\r\nX-T: v\r\nY:\r\n\r\n"
    private let body = "Wikipedia in \r\n\r\nchunks."

    @Test func `a chunked body is decoded whole, in two parts at every split, and byte by byte`() {
        let count = valid.utf8.count
        #expect(decode(valid) == .complete(body, rest: 0))
        for split in 0...count {
            #expect(decode(valid, splits: [split]) == .complete(body, rest: 0), "split at \(split)")
        }
        #expect(decode(valid, splits: Array(0...count)) == .complete(body, rest: 0))
    }

    @Test func `every prefix of a chunked body is incomplete`() {
        for end in 0..<valid.utf8.count {
            guard case .incomplete = decode(String(valid.prefix(characterBytes: end))) else {
                Issue.record("prefix of \(end)")
                continue
            }
        }
    }

    @Test func `what follows the body is left alone`() {
        #expect(decode("1\r\na\r\n0\r\n\r\nGET /") == .complete("a", rest: 5))
        #expect(decode("0\r\n\r\n") == .complete("", rest: 0))
    }

    @Test(arguments: [
        "0x1\r\na", "+1\r\na", "-1\r\na", " 1\r\na", "\t1\r\na", "1_0\r\n", "1 \r\na", "\r\n",
        "g\r\n",
        "1\na", "1\r\na\n", "1\r\nab\r\n", "1\r\na\rX", "1\rX", "1\r\na0\r\n", "1,\r\n", "1 2\r\n",
        "FFFFFFFFFFFFFFFF\r\n", "8000000000000000\r\n", "10000000000000000\r\n",
        "00000000000000001\r\na", ";\r\n", "\"1\"\r\n",
    ])
    func `a malformed chunk is refused`(text: String) {
        #expect(decode(text) == .refused(.malformedChunk))
    }

    @Test(arguments: [
        "1;\r\n", "1;=\r\n", "1;a=\r\n", "1;a \r\n", "1;a b\r\n", "1;a=b c\r\n", "1;a=\"b\r\n",
        "1;a=\"b\"c\r\n", "1;a\n", "1;a\rb", "1;;a\r\n", "1;a=\"\\\r\n", "1; \r\n", "1;a=b \r\n",
        "1;a\u{0}\r\n", "1;a=\"\u{1}\"\r\n",
    ])
    func `a malformed extension is refused`(text: String) {
        #expect(decode(text) == .refused(.malformedChunk))
    }

    @Test(arguments: [
        "1;a", "1 ;a", "1\t; a", "1;a=b", "1;a = b", "1;a=\"\"", "1;a;b=c", "1;a=\"\\\"\"",
    ])
    func `a valid extension is ignored`(line: String) {
        #expect(decode("\(line)\r\nz\r\n0\r\n\r\n") == .complete("z", rest: 0))
    }

    @Test(arguments: [
        " X: a", "\tX: a", ": a", "X a", "X", "X : a", "X: a\nY: b", "X: \u{0}", "X: a\rb", "X@: a",
    ])
    func `a malformed trailer is refused`(line: String) {
        #expect(decode("0\r\n\(line)\r\n\r\n") == .refused(.malformedTrailer))
    }

    @Test func `the end of the body is CR LF and nothing else`() {
        #expect(decode("0\r\n\n") == .refused(.malformedTrailer))
        #expect(decode("0\r\n\rX") == .refused(.malformedTrailer))
        #expect(decode("0\n\r\n") == .refused(.malformedChunk))
    }

    @Test func `a body of the limit passes and one byte more is refused before it comes`() {
        #expect(
            decode("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", bodyByteCountMax: 3)
                == .complete("abc", rest: 0))
        #expect(decode("2\r\nab\r\n2\r\n", bodyByteCountMax: 3) == .refused(.bodyTooLarge))
        #expect(decode("4\r", bodyByteCountMax: 3) == .refused(.bodyTooLarge))
        #expect(decode("7FFFFFFFFFFFFFFF\r", bodyByteCountMax: 3) == .refused(.bodyTooLarge))
    }

    @Test func `extensions are bounded over the whole body`() {
        var limits = HTTPLimits()
        limits.chunkExtensionByteCountMax = 10
        // Each line spends three bytes: the semicolon, the name and the CR.
        let line = "1;a\r\nz\r\n"
        let three = String(repeating: line, count: 3)
        #expect(decode(three + "0\r\n\r\n", limits: limits) == .complete("zzz", rest: 0))
        #expect(decode(three + line, limits: limits) == .refused(.malformedChunk))
    }

    @Test func `trailers are bounded`() {
        var limits = HTTPLimits()
        limits.trailerByteCountMax = 10
        // "X: abc", its CRLF and the last CRLF are ten bytes.
        #expect(decode("0\r\nX: abc\r\n\r\n", limits: limits) == .complete("", rest: 0))
        #expect(decode("0\r\nX: abcd\r\n\r\n", limits: limits) == .refused(.trailersTooLarge))
    }
}

extension String {
    /// The first `count` bytes; the texts here are ASCII.
    fileprivate func prefix(characterBytes count: Int) -> String {
        String(decoding: utf8.prefix(count), as: UTF8.self)
    }
}
