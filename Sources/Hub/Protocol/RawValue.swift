// RawValue: one argument, item or result in the format it came in or shall go out in, not decoded.
//
//   .json  .messagePack   from a client of that protocol        ─▶ the other protocol: transcoded
//   .value                from a method, in no format yet       ─▶ either: written
//
// The hub passes values through without knowing their types; only the method that wants one decodes
// it. A protocol that is to write a value of another format transcodes it.
//
// Thread: a pure value, any thread.  Allocates: never; slices share the record they were cut from.

public enum RawValue: Equatable, Sendable {
    case json(RawJSON)
    case messagePack(RawMessagePack)
    case value(HubValue)

    public static let null = RawValue.json(.null)

    public static func string(_ text: String) -> RawValue { .json(.string(text)) }

    /// Of the value in its own format; of one without a format a little too many.
    public var byteCount: Int {
        switch self {
        case .json(let json): json.bytes.count
        case .messagePack(let messagePack): messagePack.bytes.count
        case .value(let value): value.byteCountEstimate
        }
    }

    /// Whether it is the null of its format.
    var isNull: Bool {
        switch self {
        case .json(let json): json == .null
        case .messagePack(let messagePack): messagePack == .null
        case .value(let value): value == .null
        }
    }

    /// The value, read.
    /// - Throws: where the format says something that a `HubValue` cannot: a number out of range, keys
    ///   that are not strings, an unknown extension.
    public func read() throws(HubValueError) -> HubValue {
        switch self {
        case .json(let json):
            do throws(JSONError) {
                return try json.scan { (scanner) throws(JSONError) in try scanner.value() }
            } catch { throw .json(error) }
        case .messagePack(let messagePack):
            do throws(MessagePackError) {
                return try messagePack.read { (reader) throws(MessagePackError) in
                    try reader.value()
                }
            } catch { throw .messagePack(error) }
        case .value(let value): return value
        }
    }
}

// MARK: Writing in either format

extension JSONWriter {
    mutating func append(_ value: RawValue) throws(HubValueError) {
        switch value {
        case .json(let json): raw(json.bytes)
        case .messagePack: try self.value(value.read())
        case .value(let value): try self.value(value)
        }
    }
}

extension MessagePackWriter {
    mutating func append(_ value: RawValue) throws(HubValueError) {
        switch value {
        case .json(let json): try transcode(json)
        case .messagePack(let messagePack): raw(messagePack.bytes)
        case .value(let value): try self.value(value)
        }
    }
}
