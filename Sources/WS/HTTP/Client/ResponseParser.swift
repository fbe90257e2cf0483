// ResponseParser: finds one response head at the front of what a connection has received.
//
//   bytes ──▶ [ status line ] ──▶ [ field line ]* ──▶ [ empty line ] ──▶ complete(head)
//                   │                   │                   │
//                   └───────────────────┴───────────────────┴──▶ malformed(fault)
//
// As strict as the parser of requests: what two parsers could frame differently is refused.
//
// Thread: one loop.  Allocates: the array of fields.  Source: RFC 9112 §4, §5, §6.3, §9.3.

/// How the end of a response's body is found (RFC 9112 §6.3).
enum ResponseFraming: Equatable, Sendable {
    case none
    case length(Int)
    case chunked
    /// The server's close ends it. Over TLS too: a close without TLS's own goodbye is not told from
    /// one with it, so such a body may be cut short, and its reader must be able to notice.
    case untilClose
}

/// The head of one response; its ranges are valid for the bytes it was parsed from.
struct ResponseHead: Equatable, Sendable {
    /// 100...599.
    var status = 0
    var version = HTTPVersion.http11
    var fields: [HeaderField] = []
    var framing = ResponseFraming.none
    /// Another request may follow on the connection.
    var keepsAlive = true
    /// All bytes of the head, its final CRLF included.
    var byteCount = 0

    var isInterim: Bool { status < 200 }
}

struct ResponseParser {
    enum Result: Equatable {
        /// The head takes `head.byteCount` bytes; the body, if any, follows.
        case complete(ResponseHead)
        /// More bytes are needed; the ones seen must be passed again, in front of the new ones.
        case incomplete
        case malformed(ResponseFault)
    }

    private let fieldCountMax: Int
    /// Of the request: the answer to HEAD has no body, whatever its fields say.
    private let method: HTTPMethod
    private var lines: HeadScanner
    private var head = ResponseHead()
    private var hasStatusLine = false

    init(answering method: HTTPMethod, limits: HTTPClientLimits) {
        self.method = method
        fieldCountMax = limits.fieldCountMax
        lines = HeadScanner(
            startLineByteCountMax: limits.statusLineByteCountMax,
            fieldsByteCountMax: limits.fieldsByteCountMax)
    }

    /// Reads on where the last call stopped.
    ///
    /// - Parameter bytes: everything from the start of this response; borrowed for the call.
    mutating func parse(_ bytes: borrowing Span<UInt8>) -> Result {
        precondition(bytes.count >= lines.scanned, "bytes already seen must be passed again")
        do throws(HTTPError) {
            while let line = try lines.nextLine(bytes) {
                if hasStatusLine {
                    if line.isEmpty { return .complete(try settle(bytes)) }
                    if head.fields.count == fieldCountMax { throw .tooManyFields }
                    head.fields.append(try HeaderField(line, bytes))
                } else {
                    guard takeStatusLine(line, bytes) else {
                        return .malformed(.malformedStatusLine)
                    }
                    hasStatusLine = true
                    lines.startLineEnded()
                }
            }
            return .incomplete
        } catch {
            return .malformed(hasStatusLine ? .breach(error) : .malformedStatusLine)
        }
    }

    /// `HTTP/1.x`, a space, three digits, a space, any words (RFC 9112 §4). The last space is missing
    /// where there are no words, in what some servers send.
    private mutating func takeStatusLine(
        _ line: ByteRange, _ bytes: borrowing Span<UInt8>
    ) -> Bool {
        let start = Int(line.start)
        let prefix: StaticString = "HTTP/1."
        guard line.count >= 12, prefix.equals(bytes, ByteRange(start, start + 7)),
            bytes[start + 7].isDigit, bytes[start + 8] == .space,
            line.count == 12 || bytes[start + 12] == .space
        else { return false }
        var status = 0
        for index in start + 9..<start + 12 {
            guard bytes[index].isDigit else { return false }
            status = status * 10 + Int(bytes[index] - 0x30)
        }
        guard (100...599).contains(status) else { return false }
        head.status = status
        head.version = bytes[start + 7] == 0x30 ? .http10 : .http11
        return true
    }

    /// The head is complete: what do its fields say together?
    private mutating func settle(_ bytes: borrowing Span<UInt8>) throws(HTTPError) -> ResponseHead {
        head.byteCount = lines.lineStart
        let told = try BodyFraming(head.fields, version: head.version, bytes)
        let forbidsBody = head.isInterim || head.status == 204 || head.status == 304
        if method == .head || forbidsBody {
            head.framing = .none
        } else {
            switch told {
            case .none: head.framing = .untilClose
            case .length(let count): head.framing = .length(count)
            case .chunked: head.framing = .chunked
            }
        }
        let closes = head.fields.lists("close", in: .connection, of: bytes)
        let asksToStay = head.fields.lists("keep-alive", in: .connection, of: bytes)
        head.keepsAlive =
            !closes && head.framing != .untilClose && (head.version == .http11 || asksToStay)
        return head
    }
}
