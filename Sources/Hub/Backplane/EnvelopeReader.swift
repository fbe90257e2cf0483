// EnvelopeReader: the values of one envelope, with errors that say what is wrong with it.
//
//   [ item, item, item, … ]
//     └─ as many as the layout needs; those behind are not looked at
//
// Thread: a pure value, any thread.  Allocates: strings.
// Source: ASP.NET Core SignalR, RedisProtocol.

struct EnvelopeReader {
    private var values: MessagePackReader

    /// Runs `body` on a reader at the front of `bytes`.
    static func read<T>(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (inout EnvelopeReader) throws(BackplaneEnvelopeError) -> T
    ) throws(BackplaneEnvelopeError) -> T {
        var reader = EnvelopeReader(values: MessagePackReader(bytes))
        return try body(&reader)
    }

    /// The header of the layout's array.
    mutating func items(
        atLeast count: Int, of layout: String
    ) throws(BackplaneEnvelopeError) -> Int {
        let found = try wrap { (values) throws(MessagePackError) in try values.array() }
        if found < count { throw .insufficientItems(layout) }
        return found
    }

    mutating func number() throws(BackplaneEnvelopeError) -> Int64 {
        try wrap { (values) throws(MessagePackError) in try values.integer() }
    }

    /// A number, or a nil in its place.
    mutating func numberIfAny() throws(BackplaneEnvelopeError) -> Int64? {
        try wrap { (values) throws(MessagePackError) in
            try values.skipNil() ? nil : try values.integer()
        }
    }

    mutating func text() throws(BackplaneEnvelopeError) -> String {
        try wrap { (values) throws(MessagePackError) in try values.string() }
    }

    /// Bytes in the envelope's own memory.
    mutating func blob() throws(BackplaneEnvelopeError) -> UnsafeRawBufferPointer {
        try wrap { (values) throws(MessagePackError) in try values.binary() }
    }

    mutating func strings() throws(BackplaneEnvelopeError) -> [String] {
        try wrap { (values) throws(MessagePackError) in
            var strings: [String] = []
            for _ in 0..<(try values.array()) { strings.append(try values.string()) }
            return strings
        }
    }

    /// The records of the protocols that we know; others are for other pods' clients.
    mutating func records() throws(BackplaneEnvelopeError) -> EncodedInvocation {
        try wrap { (values) throws(MessagePackError) in
            var invocation = EncodedInvocation()
            for _ in 0..<(try values.map()) {
                let (name, record) = (try values.string(), try values.binary())
                if let known = HubProtocol(envelopeName: name) {
                    invocation.setRecord(record, for: known)
                }
            }
            return invocation
        }
    }

    private mutating func wrap<T>(
        _ body: (inout MessagePackReader) throws(MessagePackError) -> T
    ) throws(BackplaneEnvelopeError) -> T {
        do throws(MessagePackError) { return try body(&values) } catch { throw .malformed(error) }
    }
}

extension HubProtocol {
    /// The protocol of a record in an envelope; nil if we do not speak it.
    init?(envelopeName name: String) {
        // The names are ASCII, so that Swift's equality is one of bytes here.
        guard let known = HubProtocol.allCases.first(where: { $0.name == name }) else {
            return nil
        }
        self = known
    }
}
