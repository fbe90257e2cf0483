// RawValue+Coding: an undecoded value as a Swift type, and a Swift value for the wire.
//
//   RawValue                                   ─▶ as it is
//   String, Int, Bool, Double, optional or not ─▶ read from the bytes, nothing between
//   any other Decodable                        ─▶ HubValue ─▶ HubValueDecoder
//
// Thread: any.  Allocates: the value; its tree, for types that need one.

extension RawValue {
    /// The value as a type of the method's choice.
    ///
    /// - Throws: `.type` if it does not fit. A type's own error counts as that as well.
    public func decode<T: Decodable>(as type: T.Type = T.self) throws(BindingFailure) -> T {
        if let raw = self as? T { return raw }
        if let value = try decodeScalar(type) { return value }
        do { return try HubValueDecoder.decode(type, from: try read()) } catch { throw .type }
    }

    /// - Throws: for a type that refuses to be encoded. Whether a protocol can write the value shows
    ///   when it does.
    public init<T: Encodable>(encoding value: T) throws(HubValueError) {
        switch value {
        case let raw as RawValue: self = raw
        case let text as String: self = .value(.string(text))
        case let number as Int: self = .value(.integer(Int64(number)))
        case let bool as Bool: self = .value(.bool(bool))
        case let number as Double: self = .value(.double(number))
        case let value as HubValue: self = .value(value)
        case let bytes as [UInt8]: self = .value(.binary(bytes))
        default: self = .value(try HubValueEncoder.encode(value))
        }
    }

    /// One for each.
    static func all<each Value: Encodable>(
        _ values: repeat each Value
    ) throws(HubValueError) -> [RawValue] {
        var raw: [RawValue] = []
        for value in repeat each values { raw.append(try RawValue(encoding: value)) }
        return raw
    }

    /// Nil if the type is none of the simple ones.
    private func decodeScalar<T>(_ type: T.Type) throws(BindingFailure) -> T? {
        // The types are compared as pointers, and then `as` has nothing to find out.
        if type == String.self { return try string() as? T }
        if type == Int.self { return try integer(Int.self) as? T }
        if type == Bool.self { return try bool() as? T }
        if type == Double.self { return try double() as? T }
        if type == String?.self {
            let text: String? = isNull ? nil : try string()
            return text as? T
        }
        if type == Int?.self {
            let number: Int? = isNull ? nil : try integer(Int.self)
            return number as? T
        }
        return nil
    }
}

/// By itself a raw value is taken and given as it is; as a part of another one it is read and written.
extension RawValue: Codable {
    public init(from decoder: any Decoder) throws {
        self = .value(try decoder.singleValueContainer().decode(HubValue.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(try read())
    }
}
