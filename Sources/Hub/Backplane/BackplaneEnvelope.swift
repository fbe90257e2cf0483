// BackplaneEnvelope: what pods publish, as MessagePack arrays without a length in front.
//
//   invocation      [ [excluded id…], { "json": record, … } ]                on all, group, user
//                   [ [], { "json": record, … }, invocation id, channel ]    on connection: answer
//   group command   [ id, asking server, 1 add | 2 remove, group, connection id ]
//   ack             [ id ]
//   completion      [ "json", record ]                                       a client's answer
//
// Those of our own pods alone are in TransportEnvelope.
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
    /// Of a transport request.
    case unknownKind(Int64)

    package var description: String {
        switch self {
        case .insufficientItems(let layout): "Insufficient items in \(layout) array."
        case .malformed(let error): error.description
        case .unknownAction(let action): "\(action) is no group action"
        case .unknownKind(let kind): "\(kind) is no kind of transport request"
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
        try EnvelopeReader.read(bytes) { (reader) throws(BackplaneEnvelopeError) in
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
        try EnvelopeReader.read(bytes) { (reader) throws(BackplaneEnvelopeError) in
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
        try EnvelopeReader.read(bytes) { (reader) throws(BackplaneEnvelopeError) in
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
        try EnvelopeReader.read(bytes) { (reader) throws(BackplaneEnvelopeError) in
            _ = try reader.items(atLeast: 2, of: "CompletionMessage")
            let name = try reader.text()
            return CompletionEnvelope(protocolName: name, record: Array(try reader.blob()))
        }
    }
}
