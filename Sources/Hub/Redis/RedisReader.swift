// RedisReader: hiredis' reply parser, fed with what the reactor receives.
//
//   bytes ─ feed ─▶ [unparsed] ─ next ─▶ RedisReply, RedisReply, …, nil: wait for more
//
// Only its parser is used: hiredis' own sockets know no TLS in the packaged version, and its
// asynchronous layer asserts on a pushed message it does not expect.
//
// Thread: one loop.  Allocates: hiredis' reply per reply, freed as soon as it is translated.
// Source: hiredis 0.14 read.h; RESP2.

import CHiredis

/// The server broke the protocol; nothing that follows can be understood.
package struct RedisProtocolError: Error, Equatable {
    let reason: String
}

struct RedisReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let replyByteCountMax: Int

    init(replyByteCountMax: Int) {
        // Nil only when malloc fails, which Swift does not survive either.
        reader = redisReaderCreate()!
        self.replyByteCountMax = replyByteCountMax
    }

    deinit { redisReaderFree(reader) }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisProtocolError) {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard redisReaderFeed(reader, start, bytes.count) == REDIS_OK else { throw failure }
    }

    /// The next whole reply, or nil until more has been fed.
    mutating func next() throws(RedisProtocolError) -> RedisReply? {
        var object: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw failure }
        guard let object else {
            guard reader.pointee.len - reader.pointee.pos <= replyByteCountMax else {
                throw RedisProtocolError(
                    reason: "a reply is longer than \(replyByteCountMax) bytes")
            }
            return nil
        }
        defer { freeReplyObject(object) }
        return Self.translate(object.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private var failure: RedisProtocolError {
        let text = withUnsafeBytes(of: reader.pointee.errstr) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisProtocolError(reason: "the server does not speak Redis' protocol: \(text)")
    }

    private static func translate(_ reply: redisReply) -> RedisReply {
        switch reply.type {
        case REDIS_REPLY_INTEGER: .integer(reply.integer)
        case REDIS_REPLY_NIL: .null
        case REDIS_REPLY_STATUS: .status(String(decoding: bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ERROR:
            .error(RedisServerError(String(decoding: bytes(of: reply), as: UTF8.self)))
        case REDIS_REPLY_ARRAY:
            .array((0..<reply.elements).map { translate(reply.element[$0]!.pointee) })
        case REDIS_REPLY_STRING: .bulk([UInt8](bytes(of: reply)))
        default: preconditionFailure("hiredis made a reply of type \(reply.type)")
        }
    }

    private static func bytes(of reply: redisReply) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.str, count: reply.len)
    }
}
