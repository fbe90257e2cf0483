import Testing

@testable import Hub

@Suite("RedisReader") struct RedisReaderTests {
    private static let stream =
        "+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*3\r\n$1\r\nx\r\n*1\r\n:1\r\n$-1\r\n$0\r\n\r\n"
    private static let replies: [RedisReply] = [
        .status("OK"), .error(RedisServerError("ERR no")), .integer(-7),
        .bulk(Array("a\r\n".utf8)), .null, .null,
        .array([.bulk(Array("x".utf8)), .array([.integer(1)]), .null]), .bulk([]),
    ]

    private func read(_ pieces: [ArraySlice<UInt8>]) throws -> [RedisReply] {
        var reader = RedisReader(replyByteCountMax: 1024)
        var replies: [RedisReply] = []
        for piece in pieces {
            try piece.withUnsafeBytes { try reader.feed($0) }
            while let reply = try reader.next() { replies.append(reply) }
        }
        return replies
    }

    @Test func `every kind of reply is read, split at every byte`() throws {
        let bytes = Array(Self.stream.utf8)
        for split in 0...bytes.count {
            let replies = try read([bytes[..<split], bytes[split...]])
            #expect(replies == Self.replies, "split at \(split)")
        }
        #expect(try read(bytes.indices.map { bytes[$0...$0] }) == Self.replies)
    }

    @Test func `what is not the protocol is an error that says so`() {
        let error = #expect(throws: RedisProtocolError.self) {
            try read([Array("HTTP/1.1 400 Bad Request\r\n".utf8)[...]])
        }
        #expect(error?.reason.contains("does not speak Redis' protocol") == true)
    }

    @Test func `a reply may be as long as the limit and no longer`() throws {
        var reader = RedisReader(replyByteCountMax: 1024)
        // The part of the reply that has arrived is what counts.
        let start = Array("$5000\r\n".utf8)
        try (start + [UInt8](repeating: 1, count: 1024 - start.count)).withUnsafeBytes {
            try reader.feed($0)
        }
        let reply = try reader.next()
        #expect(reply == nil)
        try [UInt8](repeating: 1, count: 8).withUnsafeBytes { try reader.feed($0) }
        var error: RedisProtocolError?
        do throws(RedisProtocolError) { _ = try reader.next() } catch let thrown { error = thrown }
        #expect(error?.reason == "a reply is longer than 1024 bytes")
    }

    @Test func `errors are told apart by their first word`() {
        #expect(RedisServerError("NOPERM this user").code == "NOPERM")
        #expect(RedisServerError("ERR").code == "ERR")
        #expect(RedisServerError("READONLY x").isAboutServer)
        #expect(!RedisServerError("WRONGTYPE x").isAboutServer)
    }

    @Test func `only text is text`() {
        #expect(RedisReply.bulk(Array("ü".utf8)).text == "ü")
        #expect(RedisReply.status("OK").text == "OK")
        #expect(RedisReply.bulk([0xFF]).text == nil)
        #expect(RedisReply.integer(1).text == nil)
    }
}
