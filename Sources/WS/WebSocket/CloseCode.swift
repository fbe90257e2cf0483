// CloseCode: the status codes of Close frames, and the payload that carries them.
//
//   ┌───────────────┬────────────────────────────┐
//   │ code, 2 bytes │ reason, UTF-8, 0…123 bytes │   or nothing at all
//   └───────────────┴────────────────────────────┘
//
//   1000…1003, 1007…1014   registered, may stand in a frame
//   1005, 1006, 1015       words for "no code", "no Close frame", "TLS failed": never in a frame
//   3000…3999, 4000…4999   libraries' and applications' own
//
// Thread: a pure value, any thread.  Allocates: only `payload`.
// Source: RFC 6455 §5.5.1, §7.4; the IANA registry of close codes for 1012 to 1014.

/// Why a WebSocket was closed, as a number.
public struct CloseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = CloseCode(rawValue: 1000)
    /// The server shuts down, or the page was left.
    public static let goingAway = CloseCode(rawValue: 1001)
    public static let protocolError = CloseCode(rawValue: 1002)
    public static let unsupportedData = CloseCode(rawValue: 1003)
    /// The peer's Close frame had no code. Never on the wire.
    public static let noStatus = CloseCode(rawValue: 1005)
    /// The connection ended without a Close frame. Never on the wire.
    public static let abnormal = CloseCode(rawValue: 1006)
    /// Text that is not UTF-8.
    public static let invalidPayload = CloseCode(rawValue: 1007)
    public static let policyViolation = CloseCode(rawValue: 1008)
    public static let messageTooBig = CloseCode(rawValue: 1009)
    /// The server met a condition it did not expect.
    public static let internalError = CloseCode(rawValue: 1011)

    /// Whether a Close frame may carry it.
    public var isAllowedOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension CloseCode {
    /// Reads the unmasked payload of a Close frame.
    ///
    /// - Returns: `noStatus` if the payload is empty. The reason is checked and dropped: it is for
    ///   people who read traces, and nobody may act on it.
    static func parse(_ payload: UnsafeRawBufferPointer) throws(FrameViolation) -> CloseCode {
        if payload.isEmpty { return .noStatus }
        guard payload.count >= 2 else { throw .truncatedCloseCode }
        let code = CloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isAllowedOnWire else { throw .forbiddenCloseCode(code.rawValue) }
        guard UTF8Validator.isValid(UnsafeRawBufferPointer(rebasing: payload[2...])) else {
            throw .invalidUTF8
        }
        return code
    }

    private static let reasonByteCountMax = FrameHeader.controlPayloadByteCountMax - 2

    /// The payload of a Close frame: empty for `noStatus`. A longer reason is cut at a character.
    func payload(reason: String) -> [UInt8] {
        guard self != .noStatus else { return [] }
        precondition(isAllowedOnWire, "close code \(rawValue) may not be sent")
        var payload = [UInt8(rawValue >> 8), UInt8(rawValue & 0xFF)]
        for scalar in reason.unicodeScalars {
            let character = UTF8.encode(scalar)!
            guard payload.count + character.count <= 2 + Self.reasonByteCountMax else { break }
            payload.append(contentsOf: character)
        }
        return payload
    }
}
