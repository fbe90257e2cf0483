// RawJSON: one JSON value, checked but not decoded.
//
// The hub passes arguments and results through without knowing their types; only the method that
// wants an argument decodes it.
//
// Thread: a pure value, any thread.  Allocates: never; slices share the record they were cut from.

/// The bytes of exactly one JSON value, without white space around it.
public struct RawJSON: Equatable, Sendable {
    public let bytes: ArraySlice<UInt8>

    /// Takes bytes that a scanner has checked or a writer has written.
    public init(checked bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// What `writer` holds, which must be one whole value.
    public init(_ writer: JSONWriter) { bytes = writer.bytes[...] }

    /// Checks `text`, which must be one whole value.
    public init(_ text: String) throws(JSONError) {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { buffer -> Result<Range<Int>, JSONError> in
            Result { () throws(JSONError) in
                var scanner = JSONScanner(buffer)
                let range = try scanner.skipValue()
                try scanner.end()
                return range
            }
        }
        self.bytes = bytes[try result.get()]
    }

    public static let null = RawJSON(checked: Array("null".utf8)[...])

    /// A JSON string with this text.
    public static func string(_ text: String) -> RawJSON {
        var writer = JSONWriter(reservingCapacity: text.utf8.count + 2)
        writer.string(text)
        return RawJSON(writer)
    }

    /// Calls `body` with a scanner in front of the value.
    func scan<T>(_ body: (inout JSONScanner) throws(JSONError) -> T) throws(JSONError) -> T {
        let result = bytes.withUnsafeBytes { buffer -> Result<T, JSONError> in
            Result { () throws(JSONError) in
                var scanner = JSONScanner(buffer)
                return try body(&scanner)
            }
        }
        return try result.get()
    }
}

extension RawJSON: CustomStringConvertible {
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
