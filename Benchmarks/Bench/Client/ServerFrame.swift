// ServerFrame: finds one WebSocket frame at the front of what a server has sent.
//
//     byte 0             byte 1           0, 2 or 8 bytes
//   ┌─┬─┬─┬─┬────────┐ ┌─┬────────────┐ ┌──────────────────┐
//   │F│R│R│R│ opcode │ │0│ length     │ │ extended length  │ payload …     never masked
//   └─┴─┴─┴─┴────────┘ └─┴────────────┘ └──────────────────┘
//
// Thread: a pure value.  Allocates: never.  Source: RFC 6455 §5.1, §5.2.

import WS

struct ServerFrame: Equatable {
    let opcode: Opcode
    let isFinal: Bool
    /// Bytes from the start of the frame to its payload: 2, 4 or 10.
    let headerByteCount: Int
    let payloadByteCount: Int

    var byteCount: Int { headerByteCount + payloadByteCount }

    enum Scan: Equatable {
        case complete(ServerFrame)
        /// More bytes are needed; the ones seen must be passed again.
        case incomplete
        case violation(Violation)
    }

    /// What no server may send.
    enum Violation: String {
        case reservedBits = "reserved bits set"
        case opcode = "unknown opcode"
        case masked = "masked frame"
        case length = "length of more than 63 bits"
        case tooLong = "frame longer than this client takes"
    }

    /// - Parameter payloadByteCountMax: of one frame; more is a violation.
    @inline(__always)
    static func scan(_ bytes: UnsafeRawBufferPointer, payloadByteCountMax: Int) -> Scan {
        guard bytes.count >= 2 else { return .incomplete }
        let (first, second) = (bytes[0], bytes[1])
        guard first & 0x70 == 0 else { return .violation(.reservedBits) }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { return .violation(.opcode) }
        guard second & 0x80 == 0 else { return .violation(.masked) }
        var payloadByteCount = Int(second)
        var headerByteCount = 2
        if second >= 126 {
            let extended = second == 126 ? 2 : 8
            headerByteCount += extended
            guard bytes.count >= headerByteCount else { return .incomplete }
            var length: UInt64 = 0
            for position in 2..<headerByteCount { length = length << 8 | UInt64(bytes[position]) }
            guard length >> 63 == 0 else { return .violation(.length) }
            payloadByteCount = Int(length)
        }
        guard payloadByteCount <= payloadByteCountMax else { return .violation(.tooLong) }
        guard bytes.count - headerByteCount >= payloadByteCount else { return .incomplete }
        return .complete(
            ServerFrame(
                opcode: opcode, isFinal: first & 0x80 != 0, headerByteCount: headerByteCount,
                payloadByteCount: payloadByteCount))
    }
}
