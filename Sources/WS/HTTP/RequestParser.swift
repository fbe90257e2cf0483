// RequestParser: finds one request head at the front of what a connection has received.
//
//                    ┌── empty line (a few) ──┐
//                    ▼                        │
//   bytes ──▶ [ request line ] ──▶ [ field line ]* ──▶ [ empty line ] ──▶ complete(head)
//                    │                   │                   │
//                    └───────────────────┴───────────────────┴──▶ malformed(error)
//
// Whatever two parsers could read differently is refused, never repaired: each repaired request is
// a request that some proxy in front of us has framed otherwise.
//
// Thread: one loop.  Allocates: the array of fields.  Source: RFC 9112 §2 to §6; RFC 9110 §5.

/// Reads request heads, one after the other.
public struct RequestParser {
    public enum Result: Equatable, Sendable {
        /// The head takes `head.byteCount` bytes; the body, if any, follows.
        case complete(RequestHead)
        /// More bytes are needed; the ones seen must be passed again, in front of the new ones.
        case incomplete
        /// The connection must be closed behind the answer.
        case malformed(HTTPError)
    }

    private let limits: HTTPLimits
    private var head = RequestHead()
    private var lines: HeadScanner
    private var hasRequestLine = false
    private var emptyLineCount = 0

    public init(limits: HTTPLimits) {
        self.limits = limits
        lines = HeadScanner(
            startLineByteCountMax: limits.requestLineByteCountMax,
            fieldsByteCountMax: limits.fieldsByteCountMax)
    }

    /// Of the request being read, once its line has been; what refuses a HEAD has no body either.
    var method: HTTPMethod? { hasRequestLine ? head.method : nil }

    /// Reads on where the last call stopped.
    ///
    /// - Parameter bytes: everything from the start of this request; borrowed for the call.
    public mutating func parse(_ bytes: borrowing Span<UInt8>) -> Result {
        precondition(bytes.count >= lines.scanned, "bytes already seen must be passed again")
        do throws(HTTPError) {
            while let line = try lines.nextLine(bytes) {
                if try take(line, bytes) {
                    try RequestFraming.settle(&head, bytes)
                    head.byteCount = lines.lineStart
                    let complete = head
                    self = RequestParser(limits: limits)
                    return .complete(complete)
                }
            }
            return .incomplete
        } catch {
            return .malformed(error)
        }
    }

    /// Returns true for the empty line that ends the head.
    private mutating func take(
        _ line: ByteRange, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) -> Bool {
        if hasRequestLine {
            if line.isEmpty { return true }
            if head.fields.count == limits.fieldCountMax { throw .tooManyFields }
            head.fields.append(try HeaderField(line, bytes))
        } else if line.isEmpty {
            emptyLineCount += 1
            if emptyLineCount > limits.leadingEmptyLineCountMax { throw .tooManyEmptyLines }
        } else {
            try takeRequestLine(line, bytes)
            hasRequestLine = true
            lines.startLineEnded()
        }
        return false
    }

    // MARK: Request line

    private mutating func takeRequestLine(
        _ line: ByteRange, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        guard let methodEnd = Self.firstSpace(bytes, from: Int(line.start), to: line.end) else {
            throw .malformedRequestLine
        }
        let method = ByteRange(Int(line.start), methodEnd)
        guard bytes.isToken(method) else { throw .malformedRequestLine }
        guard let targetEnd = Self.firstSpace(bytes, from: methodEnd + 1, to: line.end) else {
            throw .malformedRequestLine
        }
        // Another space would stand in the version, which has a fixed form.
        head.version = try Self.version(bytes, ByteRange(targetEnd + 1, line.end))
        head.methodRange = method
        head.method = HTTPMethod(bytes, method)
        if head.method == .connect { throw .connectRefused }
        try RequestTarget.parse(ByteRange(methodEnd + 1, targetEnd), bytes, into: &head)
    }

    private static func firstSpace(_ bytes: borrowing Span<UInt8>, from: Int, to: Int) -> Int? {
        for index in from..<to where bytes[index] == .space { return index }
        return nil
    }

    /// RFC 9112 §2.3: `HTTP/`, one digit, a point, one digit; upper case only.
    private static func version(
        _ bytes: borrowing Span<UInt8>, _ range: ByteRange
    ) throws(HTTPError) -> HTTPVersion {
        let start = Int(range.start)
        guard range.count == 8 else { throw .malformedVersion }
        let prefix: StaticString = "HTTP/"
        guard prefix.equals(bytes, ByteRange(start, start + 5)) else { throw .malformedVersion }
        guard bytes[start + 5].isDigit, bytes[start + 6] == 0x2E, bytes[start + 7].isDigit else {
            throw .malformedVersion
        }
        guard bytes[start + 5] == 0x31 else { throw .unsupportedVersion }
        return bytes[start + 7] == 0x30 ? .http10 : .http11
    }
}
