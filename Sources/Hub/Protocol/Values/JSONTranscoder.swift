// JSONTranscoder: JSON text as MessagePack bytes, without a tree between.
//
//   {"a":[1,"x"]}  ─▶  8? A1 61 9? 01 A1 78      a header is a byte until its container has ended,
//                      81 A1 61 92 01 A1 78      and then says how many it holds
//
// The server's own methods give JSON, so this is done once for every push when there may be clients
// that speak MessagePack. The other direction is rare and goes by a HubValue.
//
// Thread: pure functions.  Allocates: when the bytes grow; for strings with escapes.
// Source: RFC 8259; MessagePack specification, "Formats".

extension MessagePackWriter {
    /// Writes what `HubValue` would make of the text.
    mutating func transcode(_ json: RawJSON) throws(HubValueError) {
        let result = json.bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONError) in
                var scanner = JSONScanner(buffer, depthMax: HubValue.depthMax)
                try transcode(&scanner)
            }
        }
        do throws(JSONError) { try result.get() } catch { throw .json(error) }
    }

    private mutating func transcode(_ scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.peekKind() {
        case .string: string(try scanner.string(), in: scanner)
        case .number: try number(&scanner)
        case .bool: bool(try scanner.bool())
        case .null:
            try scanner.null()
            self.nil()
        case .array:
            let start = beginContainer()
            var count = 0
            try scanner.beginArray()
            while try scanner.nextElement() {
                try transcode(&scanner)
                count += 1
            }
            endArray(at: start, count: count)
        case .object:
            let start = beginContainer()
            var count = 0
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                string(key, in: scanner)
                try transcode(&scanner)
                count += 1
            }
            endMap(at: start, count: count)
        }
    }

    private mutating func string(_ text: JSONString, in scanner: JSONScanner) {
        if text.hasEscapes { return string(scanner.text(of: text)) }
        string(
            utf8: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: scanner.bytes[text.range])))
    }

    private mutating func number(_ scanner: inout JSONScanner) throws(JSONError) {
        switch try scanner.value() {
        case .integer(let value): integer(value)
        case .unsigned(let value): unsigned(value)
        case .double(let value): double(value)
        default: preconditionFailure("no number")
        }
    }
}
