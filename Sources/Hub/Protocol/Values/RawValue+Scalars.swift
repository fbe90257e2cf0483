// RawValue+Scalars: an undecoded value as a simple type, read from its bytes with nothing between.
//
// What fits what is said in HubValue+Scalars; it is the same for every format.
//
// Thread: pure functions.  Allocates: strings too long to lie in their value.

extension RawValue {
    func string() throws(BindingFailure) -> String {
        try scalar(
            json: { (scanner) throws(JSONError) in scanner.text(of: try scanner.string()) },
            messagePack: { (reader) throws(MessagePackError) in try reader.string() },
            value: { $0.stringValue })
    }

    func bool() throws(BindingFailure) -> Bool {
        try scalar(
            json: { (scanner) throws(JSONError) in try scanner.bool() },
            messagePack: { (reader) throws(MessagePackError) in try reader.bool() },
            value: { $0.boolValue })
    }

    /// A number that is exactly one of the type, however it is written.
    func integer<T: FixedWidthInteger>(_ type: T.Type) throws(BindingFailure) -> T {
        guard let value: T = try number().integerValue() else { throw .type }
        return value
    }

    func double() throws(BindingFailure) -> Double {
        guard let value = try number().doubleValue else { throw .type }
        return value
    }

    /// A number as a value, which allocates nothing.
    private func number() throws(BindingFailure) -> HubValue {
        try scalar(
            json: { (scanner) throws(JSONError) in
                guard try scanner.peekKind() == .number else { return .null }
                return try scanner.value()
            },
            messagePack: { (reader) throws(MessagePackError) in
                switch try reader.peekKind() {
                case .integer, .float: try reader.value()
                default: .null
                }
            },
            value: { $0 })
    }

    private func scalar<T>(
        json: (inout JSONScanner) throws(JSONError) -> T,
        messagePack: (inout MessagePackReader) throws(MessagePackError) -> T,
        value: (HubValue) -> T?
    ) throws(BindingFailure) -> T {
        switch self {
        case .json(let raw): do { return try raw.scan(json) } catch { throw .type }
        case .messagePack(let raw): do { return try raw.read(messagePack) } catch { throw .type }
        case .value(let tree):
            guard let scalar = value(tree) else { throw .type }
            return scalar
        }
    }
}
