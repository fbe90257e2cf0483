// JSONHubProtocol+Write: HubMessage as one JSON object followed by a record separator.
//
//   {"type":3,"invocationId":"7","result":null} 1E
//
// Thread: pure functions, any thread.  Allocates: the record.
// Source: SignalR HubProtocol, "JSON Encoding"; field order as .NET 8 writes it.

extension JSONHubProtocol {
    /// The record with its separator.
    static func encode(_ message: HubMessage) throws(HubValueError) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: message.byteCountEstimate)
        json.beginObject()
        json.key("type")
        switch message {
        case .invocation(let invocation): try write(invocation, type: 1, to: &json)
        case .streamItem(let headers, let invocationID, let item):
            begin(2, headers, invocationID, to: &json)
            json.key("item")
            try json.append(item)
        case .completion(let completion): try write(completion, to: &json)
        case .streamInvocation(let invocation): try write(invocation, type: 4, to: &json)
        case .cancelInvocation(let headers, let invocationID):
            begin(5, headers, invocationID, to: &json)
        case .ping: json.integer(6)
        case .close(let close):
            json.integer(7)
            if let error = close.error {
                json.key("error")
                json.string(error)
            }
            if close.allowReconnect {
                json.key("allowReconnect")
                json.bool(true)
            }
        case .ack(let sequenceID): write(sequenceID, type: 8, to: &json)
        case .sequence(let sequenceID): write(sequenceID, type: 9, to: &json)
        }
        json.endObject()
        json.endRecord()
        return json.bytes
    }

    /// The fields that stand in front of every message about an invocation.
    private static func begin(
        _ type: Int64, _ headers: [Header], _ invocationID: String?, to json: inout JSONWriter
    ) {
        json.integer(type)
        if !headers.isEmpty {
            json.key("headers")
            json.beginObject()
            for header in headers {
                json.key(header.name)
                json.string(header.value)
            }
            json.endObject()
        }
        if let invocationID {
            json.key("invocationId")
            json.string(invocationID)
        }
    }

    private static func write(
        _ invocation: Invocation, type: Int64, to json: inout JSONWriter
    ) throws(HubValueError) {
        begin(type, invocation.headers, invocation.invocationID, to: &json)
        json.key("target")
        json.string(invocation.target)
        json.key("arguments")
        json.beginArray()
        for argument in invocation.arguments { try json.append(argument) }
        json.endArray()
        if invocation.streamIDs.isEmpty { return }
        json.key("streamIds")
        json.beginArray()
        for id in invocation.streamIDs { json.string(id) }
        json.endArray()
    }

    private static func write(
        _ completion: Completion, to json: inout JSONWriter
    ) throws(HubValueError) {
        begin(3, completion.headers, completion.invocationID, to: &json)
        switch completion.outcome {
        case .error(let text):
            json.key("error")
            json.string(text)
        case .result(let result):
            json.key("result")
            try json.append(result)
        case .void: break
        }
    }

    private static func write(_ sequenceID: Int64, type: Int64, to json: inout JSONWriter) {
        json.integer(type)
        json.key("sequenceId")
        json.integer(sequenceID)
    }
}
