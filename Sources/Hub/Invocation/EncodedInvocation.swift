// EncodedInvocation: an invocation written once for all its receivers.
//
//   ┌────────┬──────────────────────────────────────────────┬────┐
//   │ header │ {"type":1,"target":"Notification","argume…}  │ RS │   one WebSocket text frame
//   └────────┴──────────────────────────────────────────────┴────┘
//            └──────────── record, what a backplane carries ─────┘
//
// The array crosses threads; each loop makes one SharedBytes of it and queues that on every receiver.
// What another pod has written holds the protocols that pod speaks, which may be none of a receiver's.
//
// Thread: an immutable value, any thread.  Allocates: once when it is made.

import WS

/// A call of a client's method, ready for the wire in its hub protocols.
public struct EncodedInvocation: Equatable, Sendable {
    private struct Message: Equatable, Sendable {
        /// The record in a WebSocket frame.
        let frame: [UInt8]
        let recordByteCount: Int
    }

    private var json: Message?

    /// In no protocol yet.
    init() {}

    /// In every protocol.
    ///
    /// - Parameters:
    ///   - invocationID: of a question to one client; nil for a call that wants no answer.
    ///   - headers: of the message, the trace's context for example; written if there are any.
    public init(
        target: String, arguments: [RawValue], invocationID: String? = nil, headers: [Header] = []
    ) {
        let invocation = HubMessage.invocation(
            Invocation(
                target: target, arguments: arguments, invocationID: invocationID, headers: headers))
        for hubProtocol in HubProtocol.allCases {
            hubProtocol.encode(invocation).withUnsafeBytes { setRecord($0, for: hubProtocol) }
        }
    }

    /// Bytes of all records together.
    var recordByteCount: Int { json?.recordByteCount ?? 0 }

    /// - Parameter record: with its framing, as another pod wrote it; copied.
    mutating func setRecord(_ record: UnsafeRawBufferPointer, for hubProtocol: HubProtocol) {
        switch hubProtocol {
        case .json:
            json = Message(
                frame: FrameWriter.makeFrame(record, as: .text), recordByteCount: record.count)
        }
    }

    /// The framed message of the protocol: what goes under the protocol's name into an envelope
    /// between pods. Nil if its pod does not speak the protocol.
    public func record(for hubProtocol: HubProtocol) -> ArraySlice<UInt8>? {
        switch hubProtocol {
        case .json: json.map { $0.frame.suffix($0.recordByteCount) }
        }
    }

    /// The WebSocket frame for connections that speak the protocol; nil as above.
    func frame(for hubProtocol: HubProtocol) -> [UInt8]? {
        switch hubProtocol {
        case .json: json?.frame
        }
    }
}
