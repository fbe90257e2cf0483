// PushSpan: the last span of a trace, a message on its way to the connections of one loop.
//
//   {"type":1,"headers":{"traceparent":"00-…-01","x-correlation-id":"…"},"target":…}
//
// The message itself says which trace it belongs to, so it does not matter which pod has sent it.
//
// Thread: any.  Allocates: only for messages with headers.

import WS

extension Tracer {
    /// One for all connections of a loop; nil if the message names no trace, or one not recorded.
    func beginPush(of invocation: EncodedInvocation, to receiverCount: Int) -> TraceSpan? {
        let headers = invocation.headers
        guard let text = headers.first(where: { $0.name == "traceparent" })?.value,
            let parent = TraceContext(parsing: text.utf8)
        else { return nil }
        var span = begin(
            .consumer, under: parent, "SignalR push",
            [
                .string("messaging.system", "signalr" as StaticString),
                .string("messaging.operation.name", "push" as StaticString),
                .string("messaging.operation.type", "process" as StaticString),
                .integer("contoso.connection_count", receiverCount),
            ])
        if let id = headers.first(where: { $0.name == "x-correlation-id" })?.value {
            span?.add(.correlation(id))
        }
        return span
    }
}

extension EncodedInvocation {
    /// Of the message; read from its JSON, whoever has written it.
    var headers: [Header] {
        // Most messages have none, and those need not be read to the end.
        guard let record = record(for: .json), record.starts(with: Self.headersBegin) else {
            return []
        }
        return message?.headers ?? []
    }

    /// Read from its JSON, whoever has written it; nil where it has none.
    var message: Invocation? {
        guard let record = record(for: .json) else { return nil }
        let message = record.dropLast().withUnsafeBytes { bytes in
            // What another pod has garbled is for the clients to complain of.
            try? HubProtocol.json.decode(bytes)
        }
        guard case .invocation(let invocation) = message else { return nil }
        return invocation
    }

    private static let headersBegin = Array(#"{"type":1,"headers":"#.utf8)
}
