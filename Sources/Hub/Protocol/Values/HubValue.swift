// HubValue: one value with all that the hub's formats can say, in memory.
//
//              JSON                      MessagePack
//   null       null                      nil
//   integer    7                         positive and negative int, uint
//   double     1.5, and 2.0 as 2         float 64
//   float      1.5                       float 32
//   binary     "AQID", base64            bin
//   timestamp  "2017-04-11T00:00:00Z"    extension −1
//   map        {"a":1}                   map with string keys
//
// What JSON has no word for (bytes, moments, the width of a float) is kept until a value is written
// as JSON; what comes from JSON does not have it.
//
// Thread: a pure value, any thread.  Allocates: long strings, bytes, arrays and maps.
// Source: MessagePack specification, "Type system"; .NET 8's System.Text.Json for the right column.

/// A value of an argument, an item or a result.
public enum HubValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Above `Int64.max` only, so that a number has one form; see `init(_: UInt64)`.
    case unsigned(UInt64)
    case float(Float)
    case double(Double)
    case string(String)
    case binary([UInt8])
    case timestamp(HubTimestamp)
    case array([HubValue])
    /// In the order they are written. Of two with one name the last counts.
    case map([Member])

    public struct Member: Equatable, Sendable {
        public var name: String
        public var value: HubValue

        public init(_ name: String, _ value: HubValue) {
            self.name = name
            self.value = value
        }
    }

    /// Open arrays and maps of a value at one time: those that a message may have, less its own and
    /// that of its arguments.
    public static let depthMax = JSONScanner.depthMaxDefault - 2

    public init(_ value: UInt64) {
        self = Int64(exactly: value).map { .integer($0) } ?? .unsigned(value)
    }

    /// The last member with the name; nil if there is none or this is no map.
    public subscript(name: String) -> HubValue? {
        guard case .map(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// Bytes it takes on the wire, to reserve memory by: a little too many, except for text that
    /// JSON escapes.
    var byteCountEstimate: Int {
        switch self {
        case .null, .bool: 5
        case .integer, .unsigned, .float, .double: 20
        case .string(let text): text.utf8.count + 5
        case .binary(let bytes): (bytes.count + 2) / 3 * 4 + 5
        case .timestamp: 32
        case .array(let items): items.reduce(5) { $0 + 1 + $1.byteCountEstimate }
        case .map(let members):
            members.reduce(5) { $0 + 7 + $1.name.utf8.count + $1.value.byteCountEstimate }
        }
    }
}

/// Why a value cannot be read from one of the formats or be written in it.
public enum HubValueError: Error, Equatable, Sendable {
    case json(JSONError)
    case messagePack(MessagePackError)
    /// JSON has no text for NaN and the infinities.
    case notFinite
    /// ISO 8601 has four digits for the year.
    case timestampOutOfRange
    case tooDeep
    /// A Swift type refused to be encoded; its own words.
    case notEncodable(String)

    /// A sentence for logs, and for the peer where detailed errors are on.
    public var detail: String {
        switch self {
        case .json(let error): "Error reading JSON: \(error)."
        case .messagePack(let error): "Error reading MessagePack: \(error)."
        case .notFinite: "JSON has no NaN and no infinity."
        case .timestampOutOfRange: "A timestamp is outside of the years 1 to 9999."
        case .tooDeep: "A value is nested too deeply."
        case .notEncodable(let reason): reason
        }
    }
}

// MARK: Literals

extension HubValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: HubValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, HubValue)...) {
        self = .map(elements.map { Member($0.0, $0.1) })
    }
}
