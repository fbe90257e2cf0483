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

/// As many arguments as the method was registered with.
public struct HubArguments: Sendable {
    public let values: [RawValue]

    public init(_ values: [RawValue]) { self.values = values }

    public subscript(index: Int) -> RawValue { values[index] }

    public func string(_ index: Int) throws(BindingFailure) -> String {
        guard let text = try optionalString(index) else { throw .type }
        return text
    }

    /// Nil for null, which .NET passes to a string parameter.
    public func optionalString(_ index: Int) throws(BindingFailure) -> String? {
        if values[index].isNull { return nil }
        return try decode(index) { (scanner) throws(JSONError) in
            let string = try scanner.string()
            return scanner.text(of: string)
        }
    }

    public func integer(_ index: Int) throws(BindingFailure) -> Int64 {
        try decode(index) { (scanner) throws(JSONError) in try scanner.integer() }
    }

    public func bool(_ index: Int) throws(BindingFailure) -> Bool {
        try decode(index) { (scanner) throws(JSONError) in try scanner.bool() }
    }

    private func decode<T>(
        _ index: Int, _ body: (inout JSONScanner) throws(JSONError) -> T
    ) throws(BindingFailure) -> T {
        switch values[index] {
        case .json(let json): do { return try json.scan(body) } catch { throw .type }
        }
    }
}
