// RedisPushScanner: finds the messages in what a pub/sub connection receives.
//
//   *3\r\n $7\r\nmessage\r\n      $5\r\nnotes\r\n   $2\r\nhi\r\n
//   *3\r\n $9\r\nsubscribe\r\n    $5\r\nnotes\r\n   :1\r\n
//   *2\r\n $4\r\npong\r\n         $5\r\ntoken\r\n          +PONG, $5 token: with no channel
//
// A pushed message is the one thing here that comes by the ten thousand; hiredis' reader would make
// five objects of it (docs/DECISIONS/0009), this scanner hands out where its parts lie.
//
// Thread: one loop.  Allocates: only for a message that arrives in pieces.  Source: RESP2.

/// One thing a pub/sub connection receives; the parts are valid during the call only.
package enum RedisPush {
    case message(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer)
    case subscribed(UnsafeRawBufferPointer)
    case unsubscribed(UnsafeRawBufferPointer)
    case pong(UnsafeRawBufferPointer)
    case refused(UnsafeRawBufferPointer)
    /// Well formed and of no interest: `+OK`, an unsubscribe from nothing.
    case other
}

package struct RedisPushScanner {
    private let byteCountMax: Int
    /// The beginning of a message whose rest has not arrived.
    private var pending: [UInt8] = []

    package init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// Calls `body` for every whole message and keeps what is left.
    package mutating func feed(
        _ bytes: UnsafeRawBufferPointer, _ body: (RedisPush) -> Void
    ) throws(RedisProtocolError) {
        if pending.isEmpty {
            let used = try Self.scanAll(bytes, body)
            pending.append(contentsOf: bytes[used...])
        } else {
            pending.append(contentsOf: bytes)
            let scan = pending.withUnsafeBytes { whole in
                Result { () throws(RedisProtocolError) in try Self.scanAll(whole, body) }
            }
            let used = try scan.get()
            if used > 0 { pending.removeFirst(used) }
        }
        guard pending.count <= byteCountMax else {
            throw RedisProtocolError(reason: "a message is longer than \(byteCountMax) bytes")
        }
    }

    /// Returns how many bytes the whole messages take.
    private static func scanAll(
        _ bytes: UnsafeRawBufferPointer, _ body: (RedisPush) -> Void
    ) throws(RedisProtocolError) -> Int {
        var cursor = RedisCursor(bytes)
        while true {
            let start = cursor.position
            guard let push = try cursor.push() else { return start }
            body(push)
        }
    }
}

/// Reads values from the front of a buffer; nil means that the buffer ends too early.
private struct RedisCursor {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func push() throws(RedisProtocolError) -> RedisPush? {
        guard position < bytes.count else { return nil }
        switch bytes[position] {
        case UInt8(ascii: "*"): return try array()
        case UInt8(ascii: "$"): return try bulk().map { .pong($0 ?? Self.nothing) }
        case UInt8(ascii: "-"): return line().map { .refused($0) }
        case UInt8(ascii: "+"):
            return line().map { $0.elementsEqual("PONG".utf8) ? .pong(Self.nothing) : .other }
        case UInt8(ascii: ":"): return line().map { _ in .other }
        default: throw malformed
        }
    }

    private mutating func array() throws(RedisProtocolError) -> RedisPush? {
        guard let count = try length(after: UInt8(ascii: "*")) else { return nil }
        guard count == 2 || count == 3 else { throw malformed }
        guard let kind = try bulk() else { return nil }
        guard let first = try bulk() else { return nil }
        if count == 2 { return .pong(first ?? Self.nothing) }
        guard position < bytes.count else { return nil }
        if bytes[position] == UInt8(ascii: ":") {
            guard line() != nil else { return nil }
            guard let kind, let channel = first else { return .other }
            if kind.elementsEqual("subscribe".utf8) { return .subscribed(channel) }
            return kind.elementsEqual("unsubscribe".utf8) ? .unsubscribed(channel) : .other
        }
        guard let payload = try bulk() else { return nil }
        guard let kind, kind.count == 7, let channel = first, let payload else { return .other }
        return .message(channel: channel, payload: payload)
    }

    /// Outer nil: not all there; inner nil: the null bulk.
    private mutating func bulk() throws(RedisProtocolError) -> UnsafeRawBufferPointer?? {
        guard let count = try length(after: UInt8(ascii: "$")) else { return nil }
        if count < 0 { return .some(nil) }
        guard bytes.count - position >= count + 2 else { return nil }
        let start = position
        guard bytes[start + count] == UInt8(ascii: "\r"),
            bytes[start + count + 1] == UInt8(ascii: "\n")
        else { throw malformed }
        position = start + count + 2
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }

    /// `$12\r\n`; -1 for a null, no more than nine digits.
    private mutating func length(after mark: UInt8) throws(RedisProtocolError) -> Int? {
        guard position < bytes.count else { return nil }
        guard bytes[position] == mark else { throw malformed }
        var cursor = position + 1
        var number = 0
        var isNegative = false
        while cursor < bytes.count {
            let byte = bytes[cursor]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard number < 100_000_000 else { throw malformed }
                number = number * 10 + Int(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "-") where cursor == position + 1: isNegative = true
            case UInt8(ascii: "\r"):
                guard cursor + 1 < bytes.count else { return nil }
                guard bytes[cursor + 1] == UInt8(ascii: "\n") else { throw malformed }
                position = cursor + 2
                return isNegative ? -1 : number
            default: throw malformed
            }
            cursor += 1
        }
        return nil
    }

    /// A line without its mark and its end.
    private mutating func line() -> UnsafeRawBufferPointer? {
        var end = position + 1
        while end + 1 < bytes.count {
            if bytes[end] == UInt8(ascii: "\r"), bytes[end + 1] == UInt8(ascii: "\n") {
                defer { position = end + 2 }
                return UnsafeRawBufferPointer(rebasing: bytes[position + 1..<end])
            }
            end += 1
        }
        return nil
    }

    private static var nothing: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private var malformed: RedisProtocolError {
        RedisProtocolError(reason: "what the server pushes is not Redis' protocol")
    }
}
