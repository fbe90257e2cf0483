// JSONHubProtocol: HubMessage ↔ one JSON object followed by a record separator.
//
//   {"type":3,"invocationId":"7","result":null} 1E
//
// Reading takes two steps. The first finds the envelope's fields, in any order and checked as JSON,
// but not bound; the second binds them once the type is known. So a message type of the future may
// use our field names for other things, and is skipped all the same.
//
// Thread: pure functions, any thread.
// Allocates: a ping nothing; an invocation one copy of its arguments and its strings.
// Source: SignalR HubProtocol, "JSON Encoding"; field order on write as .NET 8 writes it.

import Glibc

enum JSONHubProtocol {
    /// RS, which JSON text cannot contain (it would be escaped as \u001E).
    static let recordSeparator: UInt8 = 0x1E

    /// With its separator.
    static let ping = Array("{\"type\":6}\u{1E}".utf8)

    /// `{"type":6}` and its separator, byte by byte. Other spellings are for `decode`.
    static func isPing(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ping: StaticString = "{\"type\":6}\u{1E}"
        return bytes.count == ping.utf8CodeUnitCount
            && memcmp(bytes.baseAddress!, ping.utf8Start, bytes.count) == 0
    }

    /// Reads one record without its separator. What follows the closing brace is not looked at,
    /// as in .NET.
    static func decode(
        _ record: UnsafeRawBufferPointer
    ) throws(HubProtocolError) -> HubMessage? {
        let envelope = try JSONEnvelope(record)

        guard let type = try envelope.integer(.type) else { throw .missing(.type) }
        guard (1...9).contains(type) else { return nil }
        try envelope.checkTypes()

        switch type {
        case 1: return .invocation(try invocation(envelope))
        case 2:
            return .streamItem(
                headers: try envelope.headers(),
                invocationID: try envelope.requiredString(.invocationId),
                item: try envelope.requiredValue(.item))
        case 3: return .completion(try completion(envelope))
        case 4:
            _ = try envelope.requiredString(.invocationId)
            return .streamInvocation(try invocation(envelope))
        case 5:
            return .cancelInvocation(
                headers: try envelope.headers(),
                invocationID: try envelope.requiredString(.invocationId))
        case 6: return .ping
        case 7:
            return .close(
                CloseMessage(
                    error: try envelope.string(.error),
                    allowReconnect: try envelope.bool(.allowReconnect) ?? false))
        default:
            guard let sequenceID = try envelope.integer(.sequenceId) else {
                throw .missing(.sequenceId)
            }
            return type == 8 ? .ack(sequenceID: sequenceID) : .sequence(sequenceID: sequenceID)
        }
    }

    private static func invocation(
        _ envelope: JSONEnvelope
    ) throws(HubProtocolError) -> Invocation {
        // An empty id means none: the caller wants no answer.
        let invocationID = try envelope.string(.invocationId)
        return Invocation(
            target: try envelope.requiredString(.target),
            arguments: try envelope.arguments(),
            invocationID: invocationID?.isEmpty == true ? nil : invocationID,
            headers: try envelope.headers(),
            streamIDs: try envelope.streamIDs())
    }

    private static func completion(
        _ envelope: JSONEnvelope
    ) throws(HubProtocolError) -> Completion {
        let error = try envelope.string(.error)
        let result = envelope.value(.result)
        if error != nil && result != nil { throw .resultAndError }
        let outcome: Completion.Outcome =
            if let error { .error(error) } else if let result { .result(result) } else { .void }
        return Completion(
            invocationID: try envelope.requiredString(.invocationId), outcome: outcome,
            headers: try envelope.headers())
    }
}
