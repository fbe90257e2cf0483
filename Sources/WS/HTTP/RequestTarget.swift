// RequestTarget: the forms a request target may have, and the host it may name.
//
//   /api/orders?size=10             origin-form     everything but the two below
//   http://shop:8080/api?size=10    absolute-form   what a proxy is sent; its authority overrides Host
//   *                               asterisk-form   OPTIONS only
//   shop:443                        authority-form  CONNECT only, which is refused before
//
// Thread: pure functions.  Allocates: never.  Source: RFC 9112 §3.2; RFC 9110 §4.2; RFC 3986 §3.2.2.

enum RequestTarget {
    /// Splits the target into the head's ranges.
    static func parse(
        _ target: ByteRange, _ bytes: borrowing Span<UInt8>, into head: inout RequestHead
    ) throws(HTTPError) {
        guard !target.isEmpty else { throw .malformedRequestLine }
        let first = bytes[Int(target.start)]
        if first == .slash {
            try splitPathAndQuery(target, bytes, into: &head)
        } else if first == .asterisk {
            guard target.count == 1, head.method == .options else { throw .malformedTarget }
            head.pathRange = target
        } else {
            try parseAbsolute(target, bytes, into: &head)
        }
    }

    private static func splitPathAndQuery(
        _ range: ByteRange, _ bytes: borrowing Span<UInt8>, into head: inout RequestHead
    ) throws(HTTPError) {
        var pathEnd = Int(range.start)
        while pathEnd < range.end && bytes[pathEnd] != .questionMark { pathEnd += 1 }
        for index in range.indices where !bytes[index].isTargetByte { throw .malformedTarget }
        head.pathRange = ByteRange(Int(range.start), pathEnd)
        head.queryRange = pathEnd < range.end ? ByteRange(pathEnd + 1, range.end) : nil
        try checkEscapes(head.pathRange, bytes)
    }

    /// A path with a broken escape, or an escaped NUL, names nothing; the query is the
    /// application's, which reads a broken escape as it stands.
    private static func checkEscapes(
        _ range: ByteRange, _ bytes: borrowing Span<UInt8>
    ) throws(HTTPError) {
        for index in range.indices where bytes[index] == .percent {
            guard index + 2 < range.end,
                let high = bytes[index + 1].hexDigitValue, let low = bytes[index + 2].hexDigitValue,
                high | low != 0
            else { throw .malformedTarget }
        }
    }

    /// RFC 9112 §3.2.2. User information is refused: it serves to disguise a host only
    /// (RFC 9110 §4.2.4).
    private static func parseAbsolute(
        _ target: ByteRange, _ bytes: borrowing Span<UInt8>, into head: inout RequestHead
    ) throws(HTTPError) {
        let start = Int(target.start)
        var authorityStart: Int?
        let schemes: (StaticString, StaticString) = ("http://", "https://")
        for scheme in [schemes.0, schemes.1] {
            let length = scheme.utf8CodeUnitCount
            if Int(target.count) > length,
                scheme.equalsIgnoringCase(bytes, ByteRange(start, start + length))
            {
                authorityStart = start + length
            }
        }
        guard let authorityStart else { throw .malformedTarget }
        var authorityEnd = authorityStart
        while authorityEnd < target.end && bytes[authorityEnd] != .slash
            && bytes[authorityEnd] != .questionMark
        {
            authorityEnd += 1
        }
        let authority = ByteRange(authorityStart, authorityEnd)
        guard isHost(authority, bytes) else { throw .malformedTarget }
        head.authorityRange = authority
        try splitPathAndQuery(ByteRange(authorityEnd, target.end), bytes, into: &head)
    }

    /// `uri-host [ ":" port ]`. An empty host is refused, as no http URI has one (RFC 9110 §4.2.1).
    static func isHost(_ range: ByteRange, _ bytes: borrowing Span<UInt8>) -> Bool {
        guard !range.isEmpty else { return false }
        var index = Int(range.start)
        if bytes[index] == 0x5B {
            guard let end = endOfAddressLiteral(from: index, to: range.end, bytes) else {
                return false
            }
            index = end
        } else {
            guard let end = endOfName(from: index, to: range.end, bytes) else { return false }
            index = end
        }
        if index == range.end { return true }
        return bytes[index] == .colon && isPort(ByteRange(index + 1, range.end), bytes)
    }

    /// Behind the closing bracket of `[::1]`, or nil.
    private static func endOfAddressLiteral(
        from start: Int, to end: Int, _ bytes: borrowing Span<UInt8>
    ) -> Int? {
        var index = start + 1
        var colonCount = 0
        while index < end && bytes[index] != 0x5D {
            let byte = bytes[index]
            guard byte.hexDigitValue != nil || byte == .colon || byte == 0x2E else { return nil }
            if byte == .colon { colonCount += 1 }
            index += 1
        }
        return index < end && colonCount >= 2 ? index + 1 : nil
    }

    private static func endOfName(
        from start: Int, to end: Int, _ bytes: borrowing Span<UInt8>
    ) -> Int? {
        var index = start
        while index < end && bytes[index] != .colon {
            if bytes[index] == .percent {
                guard index + 2 < end, bytes[index + 1].hexDigitValue != nil,
                    bytes[index + 2].hexDigitValue != nil
                else { return nil }
                index += 3
            } else {
                guard bytes[index].isHostByte else { return nil }
                index += 1
            }
        }
        return index > start ? index : nil
    }

    /// `*DIGIT`, so it may be empty; at most 65,535.
    private static func isPort(_ range: ByteRange, _ bytes: borrowing Span<UInt8>) -> Bool {
        var port = 0
        for index in range.indices {
            guard bytes[index].isDigit else { return false }
            port = port * 10 + Int(bytes[index] - 0x30)
            if port > 65_535 { return false }
        }
        return true
    }
}
