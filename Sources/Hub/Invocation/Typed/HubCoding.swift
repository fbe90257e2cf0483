// HubCoding: Swift's values to the hub's raw ones and back; the one place that knows how.
//
//   RawValue ─▶ decode ─▶ Decodable        Encodable ─▶ encode ─▶ RawValue
//   a RawValue that is asked for or given stays as it is
//
// Thread: pure functions.  Allocates: what Foundation's coders do.

import FoundationEssentials

enum HubCoding {
    static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from value: RawValue
    ) throws(BindingFailure) -> Value {
        if let raw = value as? Value { return raw }
        switch value {
        case .json(let json):
            do {
                return try JSONDecoder().decode(type, from: Data(json.bytes))
            } catch {
                throw .type
            }
        }
    }

    /// - Throws: what the value's own encoding does.
    static func encode(_ value: some Encodable) throws -> RawValue {
        if let raw = value as? RawValue { return raw }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return .json(RawJSON(checked: Array(try encoder.encode(value))[...]))
    }

    /// One raw value for each.
    static func encodeAll<each Value: Encodable>(_ values: repeat each Value) throws -> [RawValue] {
        var raw: [RawValue] = []
        for value in repeat each values { raw.append(try encode(value)) }
        return raw
    }
}

/// As part of another value a raw one is taken apart and put together again.
extension RawValue: Codable {
    public init(from decoder: any Decoder) throws {
        self = try HubCoding.encode(JSONTree(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try HubCoding.decode(JSONTree.self, from: self).encode(to: encoder)
    }
}

private enum JSONTree: Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        // Which of them it is nobody can ask, so each is tried.
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONTree].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONTree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }
}
