// HubArguments: the arguments of one call, decoded where the method asks for them.
//
// Thread: a pure value.  Allocates: the strings asked for.
// Source: texts as .NET 8 writes them with detailed errors on.

/// The arguments do not fit the method. The caller gets an error completion; the connection lives.
public enum BindingFailure: Error, Equatable, Sendable {
    case count(provided: Int, expected: Int)
    case type

    var detail: String {
        switch self {
        case .count(let provided, let expected):
            "Invocation provides \(provided) argument(s) but target expects \(expected)."
        case .type:
            "Error binding arguments. Make sure that the types of the provided values match "
                + "the types of the hub method being invoked."
        }
    }
}

/// As many arguments as the method was registered with, in the format of the caller's protocol.
public struct HubArguments: Sendable {
    public let values: [RawValue]

    public init(_ values: [RawValue]) { self.values = values }

    public subscript(index: Int) -> RawValue { values[index] }

    public func string(_ index: Int) throws(BindingFailure) -> String {
        try values[index].string()
    }

    /// Nil for null, which .NET passes to a string parameter.
    public func optionalString(_ index: Int) throws(BindingFailure) -> String? {
        values[index].isNull ? nil : try values[index].string()
    }

    /// A number that is exactly an integer of 64 bits, be it written as 2 or as 2.0.
    public func integer(_ index: Int) throws(BindingFailure) -> Int64 {
        try values[index].integer(Int64.self)
    }

    public func bool(_ index: Int) throws(BindingFailure) -> Bool { try values[index].bool() }

    /// Any number.
    public func double(_ index: Int) throws(BindingFailure) -> Double {
        try values[index].double()
    }

    /// Any type; an optional one takes null.
    public func decode<T: Decodable>(
        _ index: Int, as type: T.Type = T.self
    ) throws(BindingFailure) -> T { try values[index].decode(as: type) }
}
