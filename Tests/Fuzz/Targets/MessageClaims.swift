// MessageClaims: what holds for the hub protocols, whatever the record.
//
//   record ─ decode ─▶ HubMessage ─ encode ─▶ record′ ─ decode ─▶ the same message
//                          └ its values ─▶ ScannerClaims.checkValue
//
// Thread: any.  Allocates: the messages.

import Hub

package enum MessageClaims {
    static func check(
        _ record: UnsafeRawBufferPointer, _ hubProtocol: HubProtocol
    ) throws(Violation) {
        guard let message = try? hubProtocol.decode(record) else { return }
        for value in message.values { try ScannerClaims.checkValue(value) }
        // Arguments that are no list are not kept, so they cannot be written again.
        if case .invocation(let call) = message, call.bindingFailure != nil { return }
        if case .streamInvocation(let call) = message, call.bindingFailure != nil { return }
        try checkReturn(of: message, through: hubProtocol)
    }

    /// A message that is written and read is the same message.
    package static func violation(
        returning message: HubMessage, through hubProtocol: HubProtocol
    ) -> String? {
        do throws(Violation) {
            try checkReturn(of: message, through: hubProtocol)
            return nil
        } catch { return error.text }
    }

    private static func checkReturn(
        of message: HubMessage, through hubProtocol: HubProtocol
    ) throws(Violation) {
        guard let record = try? hubProtocol.encode(message) else {
            throw Violation("a message with values of its own protocol can be written")
        }
        let back = FramerClaims.records(
            [record], hubProtocol, limit: nil,
            as: { record in Result { try hubProtocol.decode(record) } })
        guard back.records.count == 1, back.ending == .waiting, let first = back.records.first,
            case .success(let decoded) = first
        else { throw Violation("a written message is one record that can be read") }
        try require(decoded == message, "a message that is written and read is the same")
    }

    static func json(_ value: RawValue) -> String? {
        let message = HubMessage.streamItem(headers: [], invocationID: "1", item: value)
        guard let record = try? HubProtocol.json.encode(message) else { return nil }
        // What stands around the item is known.
        let around = #"{"type":2,"invocationId":"1","item":"#.utf8.count
        return String(decoding: record.dropFirst(around).dropLast(2), as: UTF8.self)
    }

    static func messagePack(_ value: RawValue) -> [UInt8]? {
        let message = HubMessage.streamItem(headers: [], invocationID: "1", item: value)
        guard let record = try? HubProtocol.messagePack.encode(message) else { return nil }
        // The length, and 94 02 80 A1 31.
        return Array(record.drop { $0 & 0x80 != 0 }.dropFirst(1 + 5))
    }
}

extension HubMessage {
    fileprivate var values: [RawValue] {
        switch self {
        case .invocation(let call), .streamInvocation(let call): return call.arguments
        case .streamItem(_, _, let item): return [item]
        case .completion(let completion):
            if case .result(let result) = completion.outcome { return [result] }
            return []
        default: return []
        }
    }
}
