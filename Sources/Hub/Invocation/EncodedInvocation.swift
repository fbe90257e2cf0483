// EncodedInvocation: an invocation written once for all its receivers.
//
//   ┌────────┬──────────────────────────────────────────────┬────┐
//   │ header │ {"type":1,"target":"Notification","argume…}  │ RS │   one WebSocket text frame
//   └────────┴──────────────────────────────────────────────┴────┘
//            └──────────── record, what a backplane carries ─────┘
//
// The array crosses threads; each loop makes one SharedBytes of it and queues that on every receiver.
//
// Thread: an immutable value, any thread.  Allocates: once when it is made.

import WS

/// A call of a client's method that wants no answer, ready for the wire in every hub protocol.
public struct EncodedInvocation: Equatable, Sendable {
    /// The record in a WebSocket frame.
    private let jsonFrame: [UInt8]
    private let jsonRecordByteCount: Int

    /// - Parameter arguments: one raw JSON value each.
    public init(target: String, arguments: [RawJSON]) {
        let invocation = Invocation(target: target, arguments: arguments)
        self.init(jsonRecord: HubProtocol.json.encode(.invocation(invocation)))
    }

    /// From a record with its separator, as another pod wrote it.
    public init(jsonRecord: [UInt8]) {
        jsonFrame = FrameWriter.makeFrame(jsonRecord, as: .text)
        jsonRecordByteCount = jsonRecord.count
    }

    /// The framed message of the protocol: what goes under the protocol's name into an envelope
    /// between pods.
    public func record(for hubProtocol: HubProtocol) -> ArraySlice<UInt8> {
        switch hubProtocol {
        case .json: jsonFrame.suffix(jsonRecordByteCount)
        }
    }

    /// The WebSocket frame for connections that speak the protocol.
    func frame(for hubProtocol: HubProtocol) -> [UInt8] {
        switch hubProtocol {
        case .json: jsonFrame
        }
    }
}
