// RedisReply: what a server answers to one command.
//
//   +OK            status        $2\r\nhi      bulk        *2 …    array
//   -WRONGTYPE …   error         $-1, *-1      null        :7      integer
//
// Thread: a pure value.  Allocates: per bulk and array.  Source: RESP2.

public indirect enum RedisReply: Equatable, Sendable {
    case status(String)
    case error(RedisServerError)
    case integer(Int64)
    case bulk([UInt8])
    case null
    case array([RedisReply])

    /// The text of a bulk or a status; nil for everything else and for what is not UTF-8.
    public var text: String? {
        switch self {
        case .status(let text): text
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        case .error, .integer, .null, .array: nil
        }
    }
}

/// An error reply: `-NOPERM this user has no permissions …`.
public struct RedisServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The first word, by which errors are told apart.
    public let code: String
    /// The whole text, the code included.
    public let description: String

    public init(_ text: String) {
        code = String(text.prefix { $0 != " " })
        description = text
    }

    /// The server as a whole is the wrong one, or is not ready: another connection may be better off.
    var isAboutServer: Bool {
        switch code {
        case "LOADING", "READONLY", "MASTERDOWN", "MOVED", "NOAUTH": true
        default: false
        }
    }
}
