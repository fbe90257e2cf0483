// HubValue+JSON: a value from JSON text and as JSON text.
//
//   {"a":[1,2.5]} ⇄ .map([a: .array([.integer(1), .double(2.5)])])
//
// Thread: pure functions.  Allocates: what the value needs; writing, when the text grows.
// Source: RFC 8259; forms as .NET 8's System.Text.Json writes them.

extension JSONScanner {
    /// The next value, all of it. The limit of open containers is that of the recursion as well.
    mutating func value() throws(JSONError) -> HubValue {
        switch try peekKind() {
        case .string: return .string(text(of: try string()))
        case .number:
            let range = try number()
            guard let value = JSONNumber.value(of: UnsafeBufferPointer(rebasing: bytes[range]))
            else { throw JSONError(offset: range.lowerBound, reason: .numberOutOfRange) }
            return value
        case .bool: return .bool(try bool())
        case .null:
            try null()
            return .null
        case .array:
            try beginArray()
            var items: [HubValue] = []
            while try nextElement() { items.append(try value()) }
            return .array(items)
        case .object:
            try beginObject()
            var members: [HubValue.Member] = []
            while let key = try nextKey() {
                members.append(HubValue.Member(text(of: key), try value()))
            }
            return .map(members)
        }
    }
}

extension JSONWriter {
    /// One value in JSON's words: bytes as base64, a moment as text, a whole number without fraction.
    /// - Throws: for a number that is none, a moment without four digits for its year, and a value
    ///   deeper than readers go; what is written by then is no JSON.
    public mutating func value(_ value: HubValue) throws(HubValueError) {
        try self.value(value, depth: 0)
    }

    private mutating func value(_ value: HubValue, depth: Int) throws(HubValueError) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .integer(let value): integer(value)
        case .unsigned(let value): unsigned(value)
        case .float(let value): try float(value)
        case .double(let value): try double(value)
        case .string(let text): string(text)
        case .binary(let content): quoted { Base64.append(content, to: &$0) }
        case .timestamp(let moment):
            guard HubTimestamp.writableSeconds.contains(moment.seconds) else {
                throw .timestampOutOfRange
            }
            quoted { moment.append(to: &$0) }
        case .array(let items):
            if depth == HubValue.depthMax { throw .tooDeep }
            beginArray()
            for item in items { try self.value(item, depth: depth + 1) }
            endArray()
        case .map(let members):
            if depth == HubValue.depthMax { throw .tooDeep }
            beginObject()
            for member in members {
                key(member.name)
                try self.value(member.value, depth: depth + 1)
            }
            endObject()
        }
    }
}
