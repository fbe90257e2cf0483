// BackplaneEnvelope: what pods publish, as MessagePack arrays without a length in front.
//
//   invocation      [ [excluded id…], { "json": record, … } ]                on all, group, user
//                   [ [], { "json": record, … }, invocation id, channel ]    on connection: answer
//   group command   [ id, asking server, 1 add | 2 remove, group, connection id ]
//   ack             [ id ]
//   completion      [ "json", record ]                                       a client's answer
//
// A record is the whole framed message of a hub protocol; readers pass it on as it is. Numbers and
// strings may have any width, items behind the last known one are ignored, so that newer pods can
// add some. An envelope that is too short or no MessagePack is dropped, never guessed at.
//
// Thread: pure values, any thread.  Allocates: writing its array; reading strings and records.
// Source: ASP.NET Core SignalR, RedisProtocol; layouts and error texts as it has them.

/// Why something on a channel was dropped; logged, and shown to nobody.
package enum BackplaneEnvelopeError: Error, Equatable, CustomStringConvertible {
    /// The name of the layout.
    case insufficientItems(String)
    case malformed(MessagePackError)
    /// Neither add nor remove.
    case unknownAction(Int64)

    package var description: String {
        switch self {
        case .insufficientItems(let layout): "Insufficient items in \(layout) array."
        case .malformed(let error): error.description
        case .unknownAction(let action): "\(action) is no group action"
        }
    }
}

/// A call of clients' methods, on its way to the pods that hold them.
package struct InvocationEnvelope: Equatable {
    /// Who shall answer where; only when one client is asked for a result.
    package struct ReturnAddress: Equatable {
        let invocationID: String
        let channel: String
    }

    /// Connections that shall not receive it although they belong to the channel.
    var excludedIDs: [String] = []
    package var invocation: EncodedInvocation
    var returnAddress: ReturnAddress?

    package func encode() -> [UInt8] {
        // One allocation for what we publish: the record, an id or two, some headers.
        var writer = MessagePackWriter(
            reservingCapacity: invocation.recordByteCount + 32 + 24 * excludedIDs.count)
        writer.array(count: returnAddress == nil ? 2 : 4)
        writer.array(count: excludedIDs.count)
        for id in excludedIDs { writer.string(id) }
        let protocols = HubProtocol.allCases.filter { invocation.record(for: $0) != nil }
        writer.map(count: protocols.count)
        for hubProtocol in protocols {
            guard let record = invocation.record(for: hubProtocol) else { continue }
            writer.string(hubProtocol.name)
            writer.binary(record)
        }
        if let returnAddress {
            writer.string(returnAddress.invocationID)
            writer.string(returnAddress.channel)
        }
        return writer.bytes
    }

    package static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BackplaneEnvelopeError) -> InvocationEnvelope {
        try reading(bytes) { (reader) throws(BackplaneEnvelopeError) in
            let itemCount = try reader.items(atLeast: 2, of: "Invocation")
            let excludedIDs = try reader.strings()
            let invocation = try reader.records()
            var returnAddress: ReturnAddress?
            if itemCount >= 4 {
                returnAddress = ReturnAddress(
                    invocationID: try reader.text(), channel: try reader.text())
            }
            return InvocationEnvelope(
                excludedIDs: excludedIDs, invocation: invocation, returnAddress: returnAddress)
        }
    }
}

/// Asks the pod that holds a connection to change its groups.
struct GroupCommand: Equatable {
    /// Counted by the asking server; names the command in the ack.
    let id: Int64
    let server: String
    let change: GroupChange

    func encode() -> [UInt8] {
        var writer = MessagePackWriter(reservingCapacity: 96)
        writer.array(count: 5)
        writer.integer(id)
        writer.string(server)
        writer.integer(change.isJoin ? 1 : 2)
        writer.string(change.group)
        writer.string(change.connectionID)
        return writer.bytes
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BackplaneEnvelopeError) -> GroupCommand {
        try reading(bytes) { (reader) throws(BackplaneEnvelopeError) in
            _ = try reader.items(atLeast: 5, of: "GroupCommand")
            let (id, server, action) = (
                try reader.number(), try reader.text(), try reader.number()
            )
            guard action == 1 || action == 2 else { throw .unknownAction(action) }
            let (group, connectionID) = (try reader.text(), try reader.text())
            return GroupCommand(
                id: id, server: server,
                change: GroupChange(
                    connectionID: connectionID, group: group, isJoin: action == 1))
        }
    }
}

/// Says that a group command was carried out.
struct GroupAck: Equatable {
    let id: Int64

    func encode() -> [UInt8] {
        var writer = MessagePackWriter(reservingCapacity: 8)
        writer.array(count: 1)
        writer.integer(id)
        return writer.bytes
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) throws(BackplaneEnvelopeError) -> GroupAck {
        try reading(bytes) { (reader) throws(BackplaneEnvelopeError) in
            _ = try reader.items(atLeast: 1, of: "Ack")
            return GroupAck(id: try reader.number())
        }
    }
}

/// A client's answer, on its way to the pod that asked for it.
struct CompletionEnvelope: Equatable {
    let protocolName: String
    let record: [UInt8]

    func encode() -> [UInt8] {
        var writer = MessagePackWriter(reservingCapacity: record.count + 32)
        writer.array(count: 2)
        writer.string(protocolName)
        writer.binary(record)
        return writer.bytes
    }

    static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) throws(BackplaneEnvelopeError) -> CompletionEnvelope {
        try reading(bytes) { (reader) throws(BackplaneEnvelopeError) in
            _ = try reader.items(atLeast: 2, of: "CompletionMessage")
            let name = try reader.text()
            return CompletionEnvelope(protocolName: name, record: Array(try reader.blob()))
        }
    }
}

// MARK: Reading

private func reading<T>(
    _ bytes: UnsafeRawBufferPointer,
    _ body: (inout EnvelopeReader) throws(BackplaneEnvelopeError) -> T
) throws(BackplaneEnvelopeError) -> T {
    var reader = EnvelopeReader(values: MessagePackReader(bytes))
    return try body(&reader)
}

/// The reader's values with the envelope's error.
private struct EnvelopeReader {
    var values: MessagePackReader

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

    mutating func text() throws(BackplaneEnvelopeError) -> String {
        try wrap { (values) throws(MessagePackError) in try values.string() }
    }

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
                // The names are ASCII, so that Swift's equality is one of bytes here.
                if let known = HubProtocol.allCases.first(where: { $0.name == name }) {
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
