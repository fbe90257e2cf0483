// FrameWriter: frames from the server, which are never masked.
//
//   ┌────────────┬────────┬──────────────────┬─────────┐
//   │ 0x80 | op  │ length │ 0, 2 or 8 bytes  │ payload │   always whole messages, FIN set,
//   └────────────┴────────┴──────────────────┴─────────┘   RSV1, 0x40, if it is compressed
//
// Two ways: for one receiver the header goes to the connection from the stack and the payload after
// it; for many, `makeFrame` builds the whole frame once and everybody shares it.
//
// Thread: any.  Allocates: `makeFrame` its result, `FrameWriter` itself never.
// Source: RFC 6455 §5.1, §5.2.

public struct FrameWriter {
    /// 2 fixed bytes and 8 of extended length.
    static let headerByteCountMax = 10

    private let header: InlineArray<10, UInt8>
    private let headerByteCount: Int

    /// The header of a frame with `payloadByteCount` bytes.
    init(_ opcode: Opcode, payloadByteCount: Int, isCompressed: Bool = false) {
        assert(payloadByteCount >= 0)
        assert(!opcode.isControl || payloadByteCount <= FrameHeader.controlPayloadByteCountMax)
        var header = InlineArray<10, UInt8>(repeating: 0)
        header[0] = (isCompressed ? 0xC0 : 0x80) | opcode.rawValue
        var lengthByteCount = 0
        if payloadByteCount < 126 {
            header[1] = UInt8(payloadByteCount)
        } else {
            lengthByteCount = payloadByteCount <= 0xFFFF ? 2 : 8
            header[1] = lengthByteCount == 2 ? 126 : 127
            for position in 0..<lengthByteCount {
                let shift = 8 * (lengthByteCount - 1 - position)
                header[2 + position] = UInt8(truncatingIfNeeded: payloadByteCount >> shift)
            }
        }
        self.header = header
        headerByteCount = 2 + lengthByteCount
    }

    /// The header's bytes, valid within `body`.
    func withHeader<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: header) { storage in
            body(UnsafeRawBufferPointer(rebasing: storage[..<headerByteCount]))
        }
    }

    /// A whole message as one frame, to be sent to any number of connections.
    public static func makeFrame(_ payload: UnsafeRawBufferPointer, as kind: MessageKind) -> [UInt8]
    {
        makeFrame(kind.opcode, payload)
    }

    public static func makeFrame(_ payload: [UInt8], as kind: MessageKind) -> [UInt8] {
        payload.withUnsafeBytes { makeFrame(kind.opcode, $0) }
    }

    public static func makeFrame(
        _ opcode: Opcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool = false
    ) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(headerByteCountMax + payload.count)
        FrameWriter(opcode, payloadByteCount: payload.count, isCompressed: isCompressed)
            .withHeader { frame.append(contentsOf: $0) }
        frame.append(contentsOf: payload)
        return frame
    }
}
