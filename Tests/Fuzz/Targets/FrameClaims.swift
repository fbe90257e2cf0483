// FrameClaims: a WebSocket gives the same messages, however its bytes are cut, none above the limit,
// and leaves no more than a header or a control frame to be kept.
//
//   first byte: the limit │ second: where to cut │ the rest: frames of a client
//
// Thread: any.  Allocates: the messages.  Source: RFC 6455 §5.

import WS

enum FrameClaims {
    private enum Seen: Equatable {
        case text([UInt8])
        case binary([UInt8])
        case ping([UInt8])
        case pong
        case close(CloseCode)
        case violation(FrameViolation)
    }

    /// A header of 14 bytes and a control frame's 125.
    private static let keptByteCountMax = 139

    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        guard bytes.count >= 2 else { return }
        let limit = bytes[0] & 1 == 0 ? 1 << 20 : 1 + Int(bytes[0] >> 1)
        let stream = Array(bytes[2...])
        let events = try Pieces.requireSame(stream, step: 1 + Int(bytes[1] % 32)) {
            pieces throws(Violation) in
            try read(pieces, limit: limit)
        }
        for event in events {
            switch event {
            case .text(let message):
                try require(message.count <= limit, "no message is above the limit")
                try require(
                    String(validating: message, as: UTF8.self) != nil, "text is UTF-8")
            case .binary(let message):
                try require(message.count <= limit, "no message is above the limit")
            case .ping(let payload):
                try require(payload.count <= 125, "a control frame is short")
            case .close(let code):
                try require(
                    code == .noStatus || code.isAllowedOnWire, "a code that may be sent")
            case .pong, .violation: break
            }
        }
    }

    private static func read(
        _ pieces: [ArraySlice<UInt8>], limit: Int
    ) throws(Violation) -> [Seen] {
        var assembler = MessageAssembler(messageByteCountMax: limit)
        var seen: [Seen] = []
        var kept: [UInt8] = []
        for piece in pieces {
            kept += piece
            var offset = 0
            let goesOn = kept.withUnsafeMutableBytes { bytes in
                readEvents(&assembler, in: bytes, at: &offset, into: &seen)
            }
            if !goesOn { return seen }
            kept.removeFirst(offset)
            try require(kept.count <= keptByteCountMax, "little is left to be kept")
        }
        return seen
    }

    /// False when nothing more may be read.
    private static func readEvents(
        _ assembler: inout MessageAssembler, in bytes: UnsafeMutableRawBufferPointer,
        at offset: inout Int, into seen: inout [Seen]
    ) -> Bool {
        while true {
            switch assembler.next(in: bytes, at: &offset) {
            case .message(let message, let kind):
                seen.append(kind == .text ? .text(Array(message)) : .binary(Array(message)))
                assembler.messageDelivered()
            case .ping(let payload): seen.append(.ping(Array(payload)))
            case .pong: seen.append(.pong)
            case .close(let code):
                seen.append(.close(code))
                return false
            case .violation(let violation):
                seen.append(.violation(violation))
                return false
            case .incomplete: return true
            }
        }
    }
}
