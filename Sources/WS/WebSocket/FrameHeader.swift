// FrameHeader: what a client puts in front of each payload, 6 to 14 bytes.
//
//     byte 0             byte 1           0, 2 or 8 bytes       4 bytes
//   ┌─┬─┬─┬─┬────────┐ ┌─┬────────────┐ ┌──────────────────┐ ┌─────────────┐
//   │F│R│R│R│ opcode │ │1│ length     │ │ extended length, │ │ masking key │ payload …
//   │I│1│2│3│ 4 bits │ │ │ 7 bits     │ │ big endian       │ │             │
//   └─┴─┴─┴─┴────────┘ └─┴────────────┘ └──────────────────┘ └─────────────┘
//                          0…125          none
//                          126            2 bytes, 126…65,535
//                          127            8 bytes, 65,536…2^63-1
//
// Thread: a pure value, any thread.  Allocates: never.  Source: RFC 6455 §5.1, §5.2, §5.5;
// RFC 7692 §6.

/// What a frame carries. The ten other values of the four bits are reserved (RFC 6455 §11.8).
public enum Opcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    /// Control frames are short, never fragmented, and may come between the fragments of a message.
    public var isControl: Bool { rawValue & 0x8 != 0 }
}

/// The header of one frame from a client.
package struct FrameHeader: Equatable, Sendable {
    let opcode: Opcode
    /// The last, or only, frame of its message.
    let isFinal: Bool
    /// RSV1 of a message's first frame: permessage-deflate has compressed the whole message.
    var isCompressed = false
    package let payloadByteCount: Int
    /// XOR key; the byte that was first on the wire is the lowest.
    package let maskingKey: UInt32
    /// Bytes from the start of the frame to its payload: 6, 8 or 14.
    package let byteCount: Int

    static let byteCountMax = 14
    /// RFC 6455 §5.5.
    static let controlPayloadByteCountMax = 125
}

extension FrameHeader {
    /// The outcome of one attempt to read a header.
    package enum ParseResult: Equatable, Sendable {
        case complete(FrameHeader)
        /// All is well so far, and more bytes are needed.
        case incomplete
        case violation(FrameViolation)
    }

    /// Reads the header at the front of `bytes`.
    ///
    /// Each rule is checked as soon as the byte it speaks of is there: a frame that will be refused
    /// is refused before its payload, and before its header is complete.
    ///
    /// - Parameters:
    ///   - bytes: what has been received, from the first byte of a frame on.
    ///   - payloadByteCountMax: the largest payload of a data frame that is accepted.
    ///   - allowsCompression: permessage-deflate was agreed on.
    package static func parse(
        _ bytes: borrowing Span<UInt8>, payloadByteCountMax: Int, allowsCompression: Bool = false
    ) -> ParseResult {
        assert(payloadByteCountMax >= 0)

        guard bytes.count >= 1 else { return .incomplete }
        // RSV1 to RSV3 belong to extensions; the one we know uses the first.
        let reservedBits = bytes[0] & 0x70
        let isCompressed = reservedBits != 0
        guard !isCompressed || (allowsCompression && reservedBits == 0x40) else {
            return .violation(.reservedBitSet)
        }
        guard let opcode = Opcode(rawValue: bytes[0] & 0x0F) else {
            return .violation(.reservedOpcode(bytes[0] & 0x0F))
        }
        // Only a message is compressed, and only its first frame says so (RFC 7692 §6).
        guard !isCompressed || opcode == .text || opcode == .binary else {
            return .violation(.reservedBitSet)
        }
        let isFinal = bytes[0] & 0x80 != 0
        guard isFinal || !opcode.isControl else { return .violation(.fragmentedControlFrame) }

        guard bytes.count >= 2 else { return .incomplete }
        guard bytes[1] & 0x80 != 0 else { return .violation(.unmaskedFrame) }
        let shortLength = Int(bytes[1] & 0x7F)
        if opcode.isControl, shortLength > controlPayloadByteCountMax {
            return .violation(.controlFrameTooLong)
        }

        let keyOffset = shortLength < 126 ? 2 : shortLength == 126 ? 4 : 10
        guard bytes.count >= keyOffset else { return .incomplete }
        var payloadByteCount = UInt64(shortLength)
        if keyOffset > 2 {
            payloadByteCount = 0
            for offset in 2..<keyOffset {
                payloadByteCount = payloadByteCount << 8 | UInt64(bytes[offset])
            }
            let shortestForm: UInt64 = keyOffset == 4 ? 126 : 65_536
            guard payloadByteCount >= shortestForm, payloadByteCount >> 63 == 0 else {
                return .violation(.malformedLength)
            }
        }
        if !opcode.isControl, payloadByteCount > UInt64(payloadByteCountMax) {
            return .violation(.messageTooLarge)
        }

        guard bytes.count >= keyOffset + 4 else { return .incomplete }
        let maskingKey =
            UInt32(bytes[keyOffset]) | UInt32(bytes[keyOffset + 1]) << 8
            | UInt32(bytes[keyOffset + 2]) << 16 | UInt32(bytes[keyOffset + 3]) << 24
        return .complete(
            FrameHeader(
                opcode: opcode, isFinal: isFinal, isCompressed: isCompressed,
                payloadByteCount: Int(payloadByteCount), maskingKey: maskingKey,
                byteCount: keyOffset + 4))
    }
}
