// FrameViolation: how a client can break the rules of RFC 6455 after the handshake.
//
// The peer's fault, never ours: the connection fails with the close code that belongs to the rule,
// and nothing the peer sends after it is looked at.
//
// Thread: a pure value, any thread.  Allocates: never.  Source: RFC 6455 §5, §7.4.1, §8.1.

/// One broken rule.
public enum FrameViolation: Error, Equatable, Sendable {
    /// An RSV bit to which no agreed extension gives a meaning here (§5.2; RFC 7692 §6).
    case reservedBitSet
    /// §5.2; the value of the four bits.
    case reservedOpcode(UInt8)
    /// A client must mask (§5.1).
    case unmaskedFrame
    /// A length not in its shortest form, or with the top bit of 64 set (§5.2).
    case malformedLength
    /// A control frame without FIN (§5.5).
    case fragmentedControlFrame
    /// A control frame with more than 125 bytes (§5.5).
    case controlFrameTooLong
    /// A continuation, and nothing to continue (§5.4).
    case continuationWithoutStart
    /// A new message inside an unfinished one (§5.4).
    case messageInsideMessage
    /// A Close frame with half a status code (§5.5.1).
    case truncatedCloseCode
    /// A status code that may not stand in a frame (§7.4).
    case forbiddenCloseCode(UInt16)
    /// Text or a close reason that is not UTF-8 (§8.1).
    case invalidUTF8
    /// A compressed message that is no DEFLATE, or not all of it (RFC 7692 §7.2.2).
    case malformedCompression
    /// More than `WSLimits.messageByteCountMax` in one message, over all its fragments; of a
    /// compressed one, as it came or inflated.
    case messageTooLarge

    /// What the connection is closed with.
    public var closeCode: CloseCode {
        switch self {
        case .invalidUTF8, .malformedCompression: .invalidPayload
        case .messageTooLarge: .messageTooBig
        default: .protocolError
        }
    }
}
