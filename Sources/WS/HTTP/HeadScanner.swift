// HeadScanner: cuts a head, of a request or a response, into its lines.
//
//   start line ␍␊ field line ␍␊ field line ␍␊ ␍␊
//   └──────────┘  └───────── fields ─────────┘      each with a limit of its own
//
// It remembers how far it has looked, so a head that comes byte by byte costs one look per byte.
//
// Thread: one loop.  Allocates: never.  Source: RFC 9112 §2.2.

struct HeadScanner {
    /// Bytes of the start line without its CRLF.
    let startLineByteCountMax: Int
    /// Bytes of all field lines with their CRLFs.
    let fieldsByteCountMax: Int
    /// Where the line being read starts; behind the empty line, the byte count of the head.
    private(set) var lineStart = 0
    /// Bytes before this one have been looked at.
    private(set) var scanned = 0
    /// Where the first field line starts; nil up to the end of the start line.
    private var fieldsStart: Int?

    init(startLineByteCountMax: Int, fieldsByteCountMax: Int) {
        self.startLineByteCountMax = startLineByteCountMax
        self.fieldsByteCountMax = fieldsByteCountMax
    }

    /// The next line without its CRLF, or nil if its end has not come yet.
    ///
    /// - Parameter bytes: everything from the start of this head.
    mutating func nextLine(_ bytes: borrowing Span<UInt8>) throws(HTTPError) -> ByteRange? {
        while scanned < bytes.count {
            let byte = bytes[scanned]
            if byte == .carriageReturn {
                guard scanned + 1 < bytes.count else { return nil }
                if bytes[scanned + 1] != .lineFeed { throw .bareCarriageReturn }
                let line = ByteRange(lineStart, scanned)
                scanned += 2
                lineStart = scanned
                try checkFields(line)
                return line
            }
            if byte == .lineFeed { throw .bareLineFeed }
            if byte.isForbiddenControl { throw .controlByte }
            scanned += 1
            try checkSize()
        }
        return nil
    }

    /// The line just returned was the start line; fields follow.
    mutating func startLineEnded() { fieldsStart = lineStart }

    private func checkSize() throws(HTTPError) {
        if let fieldsStart {
            if scanned - fieldsStart > fieldsByteCountMax { throw .fieldsTooLarge }
        } else if scanned - lineStart > startLineByteCountMax {
            throw .requestLineTooLong
        }
    }

    /// A field line counts with its CRLF; the empty line behind the last one does not.
    private func checkFields(_ line: ByteRange) throws(HTTPError) {
        guard let fieldsStart, !line.isEmpty else { return }
        if lineStart - fieldsStart > fieldsByteCountMax { throw .fieldsTooLarge }
    }
}
