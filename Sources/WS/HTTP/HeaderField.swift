// HeaderField: one field line of a head, as ranges into the bytes it was read from.
//
//   X-Correlation-Id: 0a5d…␍␊
//   └──── name ────┘  └value┘
//
// Thread: a pure value.  Allocates: never.  Source: RFC 9112 §5; RFC 9110 §5.6.1.

/// One field line.
public struct HeaderField: Equatable, Sendable {
    public let name: HeaderName
    public let nameRange: ByteRange
    /// Without the blanks around it; may be empty.
    public let valueRange: ByteRange
}

extension HeaderField {
    /// RFC 9112 §5: name, colon, blanks, value, blanks. Nothing between name and colon.
    ///
    /// - Parameter line: not empty, without its CRLF.
    init(_ line: ByteRange, _ bytes: borrowing Span<UInt8>) throws(HTTPError) {
        let start = Int(line.start)
        if bytes[start].isBlank { throw .foldedField }
        var colon = start
        while colon < line.end && bytes[colon].isTokenByte { colon += 1 }
        guard colon > start, colon < line.end, bytes[colon] == .colon else {
            throw .malformedField
        }
        nameRange = ByteRange(start, colon)
        name = HeaderName(bytes, nameRange)
        valueRange = bytes.trimmingBlanks(ByteRange(colon + 1, line.end))
    }
}

extension [HeaderField] {
    /// The value of the first field of that name.
    func first(_ name: HeaderName) -> ByteRange? {
        assert(name != .other, "other names are found by their text")
        for field in self where field.name == name { return field.valueRange }
        return nil
    }

    /// Fields of that name.
    func count(of name: HeaderName) -> Int {
        var count = 0
        for field in self where field.name == name { count += 1 }
        return count
    }

    /// Whether a comma-separated field, in one line or several, lists `token` (in lower case).
    func lists(_ token: StaticString, in name: HeaderName, of bytes: borrowing Span<UInt8>) -> Bool
    {
        for field in self where field.name == name {
            let end = field.valueRange.end
            var start = Int(field.valueRange.start)
            while start <= end {
                let (element, next) = bytes.listElement(at: start, end: end)
                if token.equalsIgnoringCase(bytes, element) { return true }
                start = next
            }
        }
        return false
    }
}
