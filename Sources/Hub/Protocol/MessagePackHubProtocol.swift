// MessagePackHubProtocol: HubMessage from one MessagePack array.
//
//   invocation    [1, {headers}, id or nil, target, [arguments], [stream ids]]   also without the last
//   item          [2, {headers}, id, item]
//   completion    [3, {headers}, id, 1, error] · [3, {headers}, id, 2] · [3, {headers}, id, 3, result]
//   stream        [4, {headers}, id, target, [arguments], [stream ids]]          also without the last
//   cancel        [5, {headers}, id]            ping      [6]
//   close         [7, error or nil, allowReconnect]                              also without the last
//   ack           [8, number]                   sequence  [9, number]
//
// Items behind the last known one are not looked at, so that newer peers can add some. A value is
// checked as MessagePack and stays as it is. Only where a list of arguments should be and something
// else is does the connection live: the call fails to bind, as .NET has it.
//
// Thread: pure functions, any thread.
// Allocates: a ping nothing; an invocation one copy of its arguments and its strings.
// Source: SignalR HubProtocol, "MessagePack (MsgPack) encoding".

import Glibc

enum MessagePackHubProtocol {
    /// With its length.
    static let ping: [UInt8] = [2, 0x91, 6]

    static func isPing(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == 3 && bytes[0] == 2 && bytes[1] == 0x91 && bytes[2] == 6
    }

    /// Reads one record without its length. Bytes behind the array are not looked at, as in .NET.
    static func decode(
        _ record: UnsafeRawBufferPointer
    ) throws(HubProtocolError) -> HubMessage? {
        var items = try MessagePackItems(record)
        let type = try items.integer(.type)
        switch type {
        case 1: return .invocation(try invocation(&items, isStream: false))
        case 2:
            return .streamItem(
                headers: try items.headers(), invocationID: try items.string(.invocationId),
                item: try items.value(.item))
        case 3: return .completion(try completion(&items))
        case 4: return .streamInvocation(try invocation(&items, isStream: true))
        case 5:
            return .cancelInvocation(
                headers: try items.headers(), invocationID: try items.string(.invocationId))
        case 6: return .ping
        case 7:
            let error = try items.optionalString(.error)
            return .close(
                CloseMessage(
                    error: error,
                    allowReconnect: items.isAtEnd ? false : try items.bool(.allowReconnect)))
        case 8: return .ack(sequenceID: try items.integer(.sequenceId))
        case 9: return .sequence(sequenceID: try items.integer(.sequenceId))
        default: return nil
        }
    }

    private static func invocation(
        _ items: inout MessagePackItems, isStream: Bool
    ) throws(HubProtocolError) -> Invocation {
        let headers = try items.headers()
        let id =
            isStream ? try items.string(.invocationId) : try items.optionalString(.invocationId)
        let target = try items.string(.target)
        let arguments = try items.arguments()
        return Invocation(
            target: target, arguments: arguments ?? [],
            // An empty id means none: the caller wants no answer.
            invocationID: id?.isEmpty == true ? nil : id, headers: headers,
            streamIDs: items.isAtEnd ? [] : try items.strings(.streamIds),
            bindingFailure: arguments == nil ? .type : nil)
    }

    private static func completion(
        _ items: inout MessagePackItems
    ) throws(HubProtocolError) -> Completion {
        let (headers, id) = (try items.headers(), try items.string(.invocationId))
        let outcome: Completion.Outcome
        switch try items.integer(.resultKind) {
        case 1: outcome = .error(try items.text(.error))
        case 2: outcome = .void
        case 3: outcome = .result(try items.value(.result))
        case let kind: throw .unknownResultKind(kind)
        }
        return Completion(invocationID: id, outcome: outcome, headers: headers)
    }
}

/// The items of a message's array, read in their order.
private struct MessagePackItems {
    private var reader: MessagePackReader
    private let record: UnsafeRawBufferPointer
    private var remaining: Int

    init(_ record: UnsafeRawBufferPointer) throws(HubProtocolError) {
        self.record = record
        reader = MessagePackReader(record)
        do throws(MessagePackError) {
            remaining = try reader.array()
        } catch {
            if case .expected = error.reason { throw .notAnArray }
            throw .messagePack(error)
        }
    }

    var isAtEnd: Bool { remaining == 0 }

    /// Takes the next item for `field`. What is of another kind than it reads is the field's error,
    /// what is no MessagePack the message's.
    private mutating func take<T>(
        _ field: EnvelopeField,
        _ read: (inout MessagePackReader) throws(MessagePackError) -> T
    ) throws(HubProtocolError) -> T {
        if remaining == 0 { throw .missing(field) }
        remaining -= 1
        do throws(MessagePackError) {
            return try read(&reader)
        } catch {
            switch error.reason {
            case .expected, .integerOutOfRange: throw .wrongType(field)
            default: throw .messagePack(error)
            }
        }
    }

    mutating func integer(_ field: EnvelopeField) throws(HubProtocolError) -> Int64 {
        try take(field) { (reader) throws(MessagePackError) in try reader.integer() }
    }

    mutating func bool(_ field: EnvelopeField) throws(HubProtocolError) -> Bool {
        try take(field) { (reader) throws(MessagePackError) in try reader.bool() }
    }

    mutating func text(_ field: EnvelopeField) throws(HubProtocolError) -> String {
        try take(field) { (reader) throws(MessagePackError) in try reader.string() }
    }

    /// A string that is not empty.
    mutating func string(_ field: EnvelopeField) throws(HubProtocolError) -> String {
        let text = try text(field)
        if text.isEmpty { throw .missing(field) }
        return text
    }

    mutating func optionalString(_ field: EnvelopeField) throws(HubProtocolError) -> String? {
        try take(field) { (reader) throws(MessagePackError) in
            try reader.skipNil() ? nil : try reader.string()
        }
    }

    mutating func headers() throws(HubProtocolError) -> [Header] {
        let headers = try take(.headers) { (reader) throws(MessagePackError) in
            let count = try reader.map()
            var headers: [Header] = []
            for _ in 0..<count { headers.append(Header(try reader.string(), try reader.string())) }
            return headers
        }
        for header in headers where header.name.isEmpty || header.value.isEmpty {
            throw .missing(.headers)
        }
        return headers
    }

    /// A list of strings that are not empty.
    mutating func strings(_ field: EnvelopeField) throws(HubProtocolError) -> [String] {
        let strings = try take(field) { (reader) throws(MessagePackError) in
            let count = try reader.array()
            var strings: [String] = []
            for _ in 0..<count { strings.append(try reader.string()) }
            return strings
        }
        if strings.contains("") { throw .missing(field) }
        return strings
    }

    /// A copy of the item, whatever it is.
    mutating func value(_ field: EnvelopeField) throws(HubProtocolError) -> RawValue {
        let range = try take(field) { (reader) throws(MessagePackError) in
            try reader.skip(depth: 1)
        }
        return .messagePack(RawMessagePack(checked: Array(record[range])[...]))
    }

    /// The arguments as slices of one copy; nil for what is no list.
    mutating func arguments() throws(HubProtocolError) -> [RawValue]? {
        let record = record
        return try take(.arguments) { (reader) throws(MessagePackError) in
            guard try reader.peekKind() == .array else {
                try reader.skip(depth: 1)
                return nil
            }
            let count = try reader.array()
            if count == 0 { return [] }
            // What follows the arguments is a byte or two in most messages; copying those as well
            // saves finding out beforehand where the arguments end.
            let start = reader.offset
            let copy = Array(record[start...])
            var arguments: [RawValue] = []
            arguments.reserveCapacity(count)
            for _ in 0..<count {
                let range = try reader.skip(depth: 2)
                let bytes = copy[range.lowerBound - start..<range.upperBound - start]
                arguments.append(.messagePack(RawMessagePack(checked: bytes)))
            }
            return arguments
        }
    }
}
