// ClientFrames: frames as a client sends them, and the events an assembler makes of them.

@testable import WS

/// A masked frame.
func clientFrame(
    _ opcode: UInt8, _ payload: [UInt8] = [], fin: Bool = true, key: UInt32 = 0x0403_0201
) -> [UInt8] {
    var frame = [(fin ? 0x80 : 0) | opcode]
    switch payload.count {
    case ..<126: frame.append(0x80 | UInt8(payload.count))
    case ...0xFFFF: frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
        frame.append(0xFF)
        for shift in stride(from: 56, through: 0, by: -8) {
            frame.append(UInt8(truncatingIfNeeded: payload.count >> shift))
        }
    }
    let keyBytes = (0..<4).map { UInt8(truncatingIfNeeded: key >> UInt32(8 * $0)) }
    frame += keyBytes
    let headerByteCount = frame.count
    frame += payload
    // By index into one buffer: a megabyte through iterators takes seconds in a debug build.
    frame.withUnsafeMutableBufferPointer { frame in
        for index in payload.indices { frame[headerByteCount + index] ^= keyBytes[index & 3] }
    }
    return frame
}

func textFrame(_ text: String, fin: Bool = true) -> [UInt8] {
    clientFrame(0x1, Array(text.utf8), fin: fin)
}

/// What `MessageAssembler.next` said, with the bytes copied.
enum Seen: Equatable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong
    case close(UInt16)
    case violation(FrameViolation)
}

/// Feeds `pieces` as a loop would: what is left over comes again in front of the next piece.
func assemble(
    _ pieces: [[UInt8]], messageByteCountMax: Int = 1 << 20,
    deflate: MessageDeflate? = messageDeflate()
) -> [Seen] {
    var assembler = MessageAssembler(messageByteCountMax: messageByteCountMax, deflate: deflate)
    var seen: [Seen] = []
    var leftover: [UInt8] = []
    for piece in pieces {
        leftover += piece
        var offset = 0
        let isFailed = leftover.withUnsafeMutableBytes { bytes in
            while true {
                switch assembler.next(in: bytes, at: &offset) {
                case .message(let message, let kind):
                    seen.append(kind == .text ? .text(Array(message)) : .binary(Array(message)))
                    assembler.messageDelivered()
                case .ping(let payload): seen.append(.ping(Array(payload)))
                case .pong: seen.append(.pong)
                case .close(let code): seen.append(.close(code.rawValue))
                case .violation(let violation):
                    seen.append(.violation(violation))
                    return true
                case .incomplete: return false
                }
            }
        }
        if isFailed { return seen }
        leftover.removeFirst(offset)
    }
    return seen
}

func assemble(
    _ bytes: [UInt8], messageByteCountMax: Int = 1 << 20,
    deflate: MessageDeflate? = messageDeflate()
) -> [Seen] {
    assemble([bytes], messageByteCountMax: messageByteCountMax, deflate: deflate)
}
