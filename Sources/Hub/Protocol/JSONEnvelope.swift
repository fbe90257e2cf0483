// JSONEnvelope: the fields of one hub record, found and checked as JSON but not bound yet.
//
//   {"arguments":[1,{"a":2}],"target":"T","type":1}
//    └─ field ─┘ └─ range ─┘                          one kind and range per known field; the last
//                                                     of a repeated field wins; others are skipped
//
// Thread: a pure value, any thread; borrows the record.  Allocates: only what is asked for.
// Source: SignalR HubProtocol, "JSON Encoding".

struct JSONEnvelope {
    private struct Field {
        let kind: JSONKind
        let range: Range<Int>
    }

    /// Elements of `arguments` whose places are kept while the record is read; what has more is read
    /// once more.
    private static let elementCountMax = 8

    private let record: UnsafeRawBufferPointer
    private var elements = InlineArray<8, Range<Int>>(repeating: 0..<0)
    private var elementCount = 0
    private var type: Field?
    private var headersField: Field?
    private var invocationID: Field?
    private var target: Field?
    private var argumentsField: Field?
    private var streamIDsField: Field?
    private var item: Field?
    private var result: Field?
    private var error: Field?
    private var allowReconnect: Field?
    private var sequenceID: Field?

    init(_ record: UnsafeRawBufferPointer) throws(HubProtocolError) {
        self.record = record
        var isObject = false
        do {
            var scanner = JSONScanner(record)
            isObject = try scanner.peekKind() == .object
            if isObject { try scan(&scanner) }
        } catch {
            throw .json(error)
        }
        if !isObject { throw .notAnObject }
    }

    private mutating func scan(_ scanner: inout JSONScanner) throws(JSONError) {
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let kind = try scanner.peekKind()
            let isArguments = kind == .array && scanner.matches(key, "arguments")
            let range = isArguments ? try elements(&scanner) : try scanner.skipValue()
            keep(Field(kind: kind, range: range), named: key, in: scanner)
        }
    }

    /// Steps over the array of arguments and keeps where its elements are.
    private mutating func elements(_ scanner: inout JSONScanner) throws(JSONError) -> Range<Int> {
        let start = scanner.offset
        elementCount = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            let range = try scanner.skipValue()
            if elementCount < Self.elementCountMax { elements[elementCount] = range }
            elementCount += 1
        }
        return start..<scanner.offset
    }

    /// Only names of the key's length are compared with it.
    private mutating func keep(_ field: Field, named key: JSONString, in scanner: JSONScanner) {
        func isKey(_ name: StaticString) -> Bool { scanner.matches(key, name) }
        switch key.hasEscapes ? 0 : key.range.count {
        case 4 where isKey("type"): type = field
        case 4 where isKey("item"): item = field
        case 5 where isKey("error"): error = field
        case 6 where isKey("target"): target = field
        case 6 where isKey("result"): result = field
        case 7 where isKey("headers"): headersField = field
        case 9 where isKey("arguments"): argumentsField = field
        case 9 where isKey("streamIds"): streamIDsField = field
        case 10 where isKey("sequenceId"): sequenceID = field
        case 12 where isKey("invocationId"): invocationID = field
        case 14 where isKey("allowReconnect"): allowReconnect = field
        // With escapes its length says nothing.
        case 0: keepUnescaped(field, named: scanner.text(of: key))
        default: break
        }
    }

    private mutating func keepUnescaped(_ field: Field, named name: String) {
        switch EnvelopeField(rawValue: name) {
        case .type: type = field
        case .headers: headersField = field
        case .invocationId: invocationID = field
        case .target: target = field
        case .arguments: argumentsField = field
        case .streamIds: streamIDsField = field
        case .item: item = field
        case .result: result = field
        case .error: error = field
        case .allowReconnect: allowReconnect = field
        case .sequenceId: sequenceID = field
        case .resultKind, .protocol, .version, nil: break
        }
    }

    private subscript(name: EnvelopeField) -> Field? {
        switch name {
        case .type: type
        case .headers: headersField
        case .invocationId: invocationID
        case .target: target
        case .arguments: argumentsField
        case .streamIds: streamIDsField
        case .item: item
        case .result: result
        case .error: error
        case .allowReconnect: allowReconnect
        case .sequenceId: sequenceID
        case .resultKind, .protocol, .version: nil
        }
    }

    /// Refuses a known field of the wrong type even where the message would not need it.
    func checkTypes() throws(HubProtocolError) {
        try check(.headers, .object)
        try check(.invocationId, .string)
        try check(.target, .string)
        try check(.arguments, .array)
        try check(.streamIds, .array)
        try check(.error, .string)
        try check(.allowReconnect, .bool)
        try check(.sequenceId, .number)
    }

    private func check(_ name: EnvelopeField, _ kind: JSONKind) throws(HubProtocolError) {
        if let field = self[name], field.kind != kind { throw .wrongType(name) }
    }

    func integer(_ name: EnvelopeField) throws(HubProtocolError) -> Int64? {
        guard let field = self[name] else { return nil }
        var scanner = scanner(at: field)
        // The text is a checked value already, so what can fail is its type only.
        do { return try scanner.integer() } catch { throw .wrongType(name) }
    }

    func bool(_ name: EnvelopeField) throws(HubProtocolError) -> Bool? {
        guard let field = self[name] else { return nil }
        var scanner = scanner(at: field)
        do { return try scanner.bool() } catch { throw .wrongType(name) }
    }

    func string(_ name: EnvelopeField) throws(HubProtocolError) -> String? {
        guard let field = self[name] else { return nil }
        var scanner = scanner(at: field)
        do { return scanner.text(of: try scanner.string()) } catch { throw .wrongType(name) }
    }

    /// A string that must be there and not be empty.
    func requiredString(_ name: EnvelopeField) throws(HubProtocolError) -> String {
        guard let text = try string(name), !text.isEmpty else { throw .missing(name) }
        return text
    }

    /// A copy of the field's value.
    func value(_ name: EnvelopeField) -> RawValue? {
        guard let field = self[name] else { return nil }
        return .json(RawJSON(checked: Array(record[field.range])[...]))
    }

    func requiredValue(_ name: EnvelopeField) throws(HubProtocolError) -> RawValue {
        guard let value = value(name) else { throw .missing(name) }
        return value
    }

    func headers() throws(HubProtocolError) -> [Header] {
        guard let field = headersField else { return [] }
        var scanner = scanner(at: field)
        var headers: [Header] = []
        do {
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                let value = try scanner.string()
                headers.append(Header(scanner.text(of: key), scanner.text(of: value)))
            }
        } catch { throw .wrongType(.headers) }
        return headers
    }

    func streamIDs() throws(HubProtocolError) -> [String] {
        guard let field = streamIDsField else { return [] }
        var scanner = scanner(at: field)
        var ids: [String] = []
        do {
            try scanner.beginArray()
            while try scanner.nextElement() { ids.append(scanner.text(of: try scanner.string())) }
        } catch { throw .wrongType(.streamIds) }
        return ids
    }

    /// The arguments as slices of one copy of the array.
    func arguments() throws(HubProtocolError) -> [RawValue] {
        guard let field = argumentsField else { throw .missing(.arguments) }
        if elementCount == 0 { return [] }
        let text = Array(record[field.range])
        var arguments: [RawValue] = []
        arguments.reserveCapacity(elementCount)
        if elementCount <= Self.elementCountMax {
            let start = field.range.lowerBound
            for index in 0..<elementCount {
                let range = elements[index]
                let element = text[range.lowerBound - start..<range.upperBound - start]
                arguments.append(.json(RawJSON(checked: element)))
            }
            return arguments
        }
        var scanner = scanner(at: field)
        do {
            try scanner.beginArray()
            while try scanner.nextElement() {
                arguments.append(.json(RawJSON(checked: text[try scanner.skipValue()])))
            }
        } catch { throw .wrongType(.arguments) }
        return arguments
    }

    private func scanner(at field: Field) -> JSONScanner {
        JSONScanner(UnsafeRawBufferPointer(rebasing: record[field.range]))
    }
}
