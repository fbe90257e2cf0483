import Testing

@testable import WS

/// Feeds `text` in two parts; what is not consumed comes again in front of the rest.
private func read(
    _ text: String, split: Int, answering method: HTTPMethod = .get, bodyByteCountMax: Int = 100
) throws(ResponseFault) -> (response: ClientResponse?, left: Int, reader: ResponseReader) {
    let bytes = Array(text.utf8)
    var reader = ResponseReader(
        answering: method, bodyByteCountMax: bodyByteCountMax, limits: HTTPClientLimits())
    var start = 0
    for end in [split, bytes.count] {
        let part = Array(bytes[start..<end])
        let (consumed, response) = try reader.take(part)
        start += consumed
        if let response { return (response, bytes.count - start, reader) }
    }
    return (nil, bytes.count - start, reader)
}

extension ResponseReader {
    fileprivate mutating func take(
        _ bytes: [UInt8]
    ) throws(ResponseFault) -> (consumed: Int, response: ClientResponse?) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ResponseFault) in try take(buffer) }
        }
        return try result.get()
    }
}

private func fault(_ text: String, bodyByteCountMax: Int = 100) -> ResponseFault? {
    do throws(ResponseFault) {
        _ = try read(text, split: 0, bodyByteCountMax: bodyByteCountMax)
        return nil
    } catch {
        return error
    }
}

@Suite struct ResponseReaderTests {
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: x\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nT: t\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello",
    ])
    func `a response is read alike at every split, and nothing behind it is taken`(
        text: String
    ) throws {
        for split in 0...text.utf8.count {
            let (response, left, reader) = try read(text + "next", split: split)
            #expect(response?.status == 200, "split at \(split)")
            #expect(response?.body == Array("hello".utf8), "split at \(split)")
            #expect(response?.header("etag") == "x")
            #expect(left == 4)
            #expect(reader.keepsAlive)
        }
    }

    @Test func `a body without a length lasts until the close`() throws {
        let text = "HTTP/1.0 200 OK\r\n\r\nhello"
        for split in 0...text.utf8.count {
            let (response, left, reader) = try read(text, split: split)
            #expect(response == nil)
            #expect(left == 0)
            #expect(try reader.ended().body == Array("hello".utf8))
        }
    }

    @Test func `a close before the end is a truncation, never a shorter response`() throws {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        for count in 1..<text.utf8.count {
            let (response, _, reader) = try read(
                String(decoding: text.utf8.prefix(count), as: UTF8.self), split: 0)
            #expect(response == nil)
            #expect(throws: ResponseFault.truncated) { try reader.ended() }
        }
    }

    @Test func `a body has at most as many bytes as the caller allows`() {
        let known = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        let open = "HTTP/1.1 200 OK\r\n\r\nhello"
        for text in [known, chunked, open] {
            #expect(fault(text, bodyByteCountMax: 6) == nil)
            #expect(fault(text, bodyByteCountMax: 5) == nil)
            #expect(fault(text, bodyByteCountMax: 4) == .breach(.bodyTooLarge))
        }
    }

    @Test func `interim responses are skipped, up to a number of them`() {
        let interim = "HTTP/1.1 102 Processing\r\n\r\n"
        let end = "HTTP/1.1 204 No Content\r\n\r\n"
        let most = HTTPClientLimits().interimResponseCountMax
        #expect(fault(String(repeating: interim, count: most) + end) == nil)
        #expect(
            fault(String(repeating: interim, count: most + 1) + end) == .tooManyInterimResponses)
    }

    @Test func `a switch of protocols nobody asked for is refused`() {
        #expect(fault("HTTP/1.1 101 Switching Protocols\r\n\r\n") == .switchedProtocols)
    }

    @Test func `the answer to HEAD ends with its head`() throws {
        let (response, left, _) = try read(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", split: 3, answering: .head)
        #expect(response?.body == [])
        #expect(left == 0)
    }
}
