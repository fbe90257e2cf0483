// MessagePackHubProtocol+Write: HubMessage as one MessagePack array with its length in front.
//
//   ┌────────┬──────────────────────────────┐
//   │ length │ [type, {headers}, id, …]     │   the length is put there when the array is whole
//   └────────┴──────────────────────────────┘
//
// Optional items are always written, as .NET does: an empty map of headers, an empty list of streams.
//
// Thread: pure functions, any thread.  Allocates: the record.
// Source: SignalR HubProtocol, "MessagePack (MsgPack) encoding".

extension MessagePackHubProtocol {
    /// The record with its length.
    static func encode(_ message: HubMessage) throws(HubValueError) -> [UInt8] {
        var writer = MessagePackWriter(reservingCapacity: message.byteCountEstimate)
        switch message {
        case .invocation(let invocation): try write(invocation, type: 1, to: &writer)
        case .streamItem(let headers, let id, let item):
            begin(2, itemCount: 4, headers, to: &writer)
            writer.string(id)
            try writer.append(item)
        case .completion(let completion): try write(completion, to: &writer)
        case .streamInvocation(let invocation): try write(invocation, type: 4, to: &writer)
        case .cancelInvocation(let headers, let id):
            begin(5, itemCount: 3, headers, to: &writer)
            writer.string(id)
        case .ping: return ping
        case .close(let close):
            writer.array(count: 3)
            writer.integer(7)
            writer.stringOrNil(close.error)
            writer.bool(close.allowReconnect)
        case .ack(let sequenceID): write(sequenceID, type: 8, to: &writer)
        case .sequence(let sequenceID): write(sequenceID, type: 9, to: &writer)
        }
        writer.prependLength()
        return writer.bytes
    }

    private static func begin(
        _ type: Int64, itemCount: Int, _ headers: [Header], to writer: inout MessagePackWriter
    ) {
        writer.array(count: itemCount)
        writer.integer(type)
        // Readers end the connection over a header without name or value, which JSON allows.
        let written = headers.filter { !$0.name.isEmpty && !$0.value.isEmpty }
        writer.map(count: written.count)
        for header in written {
            writer.string(header.name)
            writer.string(header.value)
        }
    }

    private static func write(
        _ invocation: Invocation, type: Int64, to writer: inout MessagePackWriter
    ) throws(HubValueError) {
        begin(type, itemCount: 6, invocation.headers, to: &writer)
        writer.stringOrNil(invocation.invocationID)
        writer.string(invocation.target)
        writer.array(count: invocation.arguments.count)
        for argument in invocation.arguments { try writer.append(argument) }
        writer.array(count: invocation.streamIDs.count)
        for id in invocation.streamIDs { writer.string(id) }
    }

    private static func write(
        _ completion: Completion, to writer: inout MessagePackWriter
    ) throws(HubValueError) {
        let isVoid = completion.outcome == .void
        begin(3, itemCount: isVoid ? 4 : 5, completion.headers, to: &writer)
        writer.string(completion.invocationID)
        switch completion.outcome {
        case .error(let text):
            writer.integer(1)
            writer.string(text)
        case .void: writer.integer(2)
        case .result(let result):
            writer.integer(3)
            try writer.append(result)
        }
    }

    private static func write(
        _ sequenceID: Int64, type: Int64, to writer: inout MessagePackWriter
    ) {
        writer.array(count: 2)
        writer.integer(type)
        writer.integer(sequenceID)
    }
}

extension MessagePackWriter {
    fileprivate mutating func stringOrNil(_ text: String?) {
        if let text { string(text) } else { self.nil() }
    }
}
