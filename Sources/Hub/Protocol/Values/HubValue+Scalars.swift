// HubValue+Scalars: a value as the simple type that somebody wants, or nil where it does not fit.
//
//   wanted       taken from
//   String       a string
//   Bool         a bool
//   integer      a number that is exactly one in the type's range: 2 and 2.0, not 2.5
//   float        any number; not one that would become an infinity
//   bytes        bytes, or base64 text as JSON has it
//   timestamp    a timestamp, or ISO 8601 text as JSON has it
//
// As strict as System.Text.Json: no number is read from a string, and null is none of these.
//
// Thread: pure functions.  Allocates: bytes from base64.

extension HubValue {
    var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    func integerValue<T: FixedWidthInteger>(_: T.Type = T.self) -> T? {
        switch self {
        case .integer(let value): T(exactly: value)
        case .unsigned(let value): T(exactly: value)
        case .double(let value): T(exactly: value)
        case .float(let value): T(exactly: value)
        default: nil
        }
    }

    var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .double(let value): value
        case .float(let value): Double(value)
        default: nil
        }
    }

    var floatValue: Float? {
        if case .float(let value) = self { return value }
        guard let value = doubleValue else { return nil }
        let narrow = Float(value)
        return narrow.isInfinite && value.isFinite ? nil : narrow
    }

    var bytesValue: [UInt8]? {
        switch self {
        case .binary(let bytes): bytes
        case .string(let text): Base64.decode(text)
        default: nil
        }
    }

    var timestampValue: HubTimestamp? {
        switch self {
        case .timestamp(let moment): moment
        case .string(let text): HubTimestamp(text)
        default: nil
        }
    }
}
