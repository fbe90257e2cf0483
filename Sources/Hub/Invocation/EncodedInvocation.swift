// EncodedInvocation: an invocation written once for all its receivers.
//
//   ┌────────┬──────────────────────────────────────────────┬────┐
//   │ header │ {"type":1,"target":"Notification","argume…}  │ RS │   one WebSocket text frame
//   └────────┴──────────────────────────────────────────────┴────┘
//            └──────────── record, what a backplane carries ─────┘
//   ┌────────┬────────┬─────────────────────────────────────┐
//   │ header │ length │ [1, {}, nil, "Notification", […], …]│        one WebSocket binary frame
//   └────────┴────────┴─────────────────────────────────────┘
//            └──────────────── record ──────────────────────┘
//
// The arrays cross threads; each loop makes SharedBytes of those that its receivers need and queues
// them on every receiver. What another pod has written holds the protocols that pod speaks, which may
// be none of a receiver's; what we write lacks a protocol that has no form for one of its values. The
// receivers of such a protocol cannot be told, and are ended.
//
// Thread: an immutable value, any thread.  Allocates: once a protocol when it is made.

import Loop
import WS

/// A call of a client's method, ready for the wire in its hub protocols.
public struct EncodedInvocation: Equatable, Sendable {
    private struct Message: Equatable, Sendable {
        /// The record in a WebSocket frame.
        let frame: [UInt8]
        let recordByteCount: Int
    }

    private var json: Message?
    private var messagePack: Message?
    /// For one who does not read. Where a question is meant, whoever asks it sees to that.
    private(set) var expendability = Expendability.droppable

    /// In no protocol yet.
    init() {}

    /// - Parameters:
    ///   - invocationID: of a question to one client; nil for a call that wants no answer.
    ///   - headers: of the message, the trace's context for example; written if there are any.
    ///   - protocols: to be written in. One that has no form for an argument is left out.
    public init(
        target: String, arguments: [RawValue], invocationID: String? = nil, headers: [Header] = [],
        protocols: [HubProtocol] = HubProtocol.allCases
    ) {
        let invocation = HubMessage.invocation(
            Invocation(
                target: target, arguments: arguments, invocationID: invocationID, headers: headers))
        for hubProtocol in protocols {
            // Who must know asks `record`; the reason is one of the caller's types.
            guard let record = try? hubProtocol.encode(invocation) else { continue }
            record.withUnsafeBytes { setRecord($0, for: hubProtocol) }
        }
    }

    /// With what it is about, where a hub wants to know.
    func classified(by options: HubOptions) -> EncodedInvocation {
        guard options.slowClient == .coalesce, let message,
            let subject = options.subject(message.target, message.arguments)
        else { return self }
        var copy = self
        copy.expendability = .about(subject)
        return copy
    }

    /// Bytes of all records together.
    var recordByteCount: Int {
        (json?.recordByteCount ?? 0) + (messagePack?.recordByteCount ?? 0)
    }

    /// - Parameter record: with its framing, as another pod wrote it; copied.
    mutating func setRecord(_ record: UnsafeRawBufferPointer, for hubProtocol: HubProtocol) {
        let message = Message(
            frame: FrameWriter.makeFrame(record, as: hubProtocol.messageKind),
            recordByteCount: record.count)
        switch hubProtocol {
        case .json: json = message
        case .messagePack: messagePack = message
        }
    }

    /// The framed message of the protocol: what goes under the protocol's name into an envelope
    /// between pods. Nil if it is not there in that protocol.
    public func record(for hubProtocol: HubProtocol) -> ArraySlice<UInt8>? {
        message(hubProtocol).map { $0.frame.suffix($0.recordByteCount) }
    }

    /// The WebSocket frame for connections that speak the protocol; nil as above.
    func frame(for hubProtocol: HubProtocol) -> [UInt8]? { message(hubProtocol)?.frame }

    private func message(_ hubProtocol: HubProtocol) -> Message? {
        switch hubProtocol {
        case .json: json
        case .messagePack: messagePack
        }
    }
}
