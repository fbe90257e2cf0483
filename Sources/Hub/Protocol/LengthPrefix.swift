// LengthPrefix: the number of bytes in front of every binary hub message.
//
//   1 0101100  0 0000010      300: seven bits a byte, the low ones first; the high bit says that
//   │          └ the last     another byte follows
//   └ more follows            the fifth byte may hold three bits only: 2 GiB less a byte at most
//
// An encoding that is longer than it needs to be is read like any other.
//
// Thread: pure functions.  Allocates: never.
// Source: SignalR HubProtocol, "MessagePack (MsgPack) encoding".

enum LengthPrefix {
    static let byteCountMax = 5

    enum Reading: Equatable {
        case complete(bodyByteCount: Int, prefixByteCount: Int)
        case incomplete
        /// The message would have 2 GiB or more.
        case malformed
    }

    /// - Parameters:
    ///   - word: the first bytes of a message, the first one lowest.
    ///   - byteCount: how many of them there are; more than five tell nothing.
    static func read(_ word: UInt64, byteCount: Int) -> Reading {
        var length: UInt64 = 0
        for index in 0..<min(byteCount, byteCountMax) {
            let byte = word >> UInt64(8 * index) & 0xFF
            if index == byteCountMax - 1 && byte > 0x07 { return .malformed }
            length |= (byte & 0x7F) << UInt64(7 * index)
            if byte & 0x80 == 0 {
                return .complete(bodyByteCount: Int(length), prefixByteCount: index + 1)
            }
        }
        return .incomplete
    }

    /// - Parameter length: less than 2 GiB.
    /// - Returns: the prefix as `read` takes it, and its bytes.
    static func make(_ length: Int) -> (word: UInt64, byteCount: Int) {
        precondition((0...0x7FFF_FFFF).contains(length))
        var (word, byteCount): (UInt64, Int) = (0, 0)
        var rest = UInt64(length)
        repeat {
            let more: UInt64 = rest >= 0x80 ? 0x80 : 0
            word |= (rest & 0x7F | more) << UInt64(8 * byteCount)
            byteCount += 1
            rest >>= 7
        } while rest > 0
        return (word, byteCount)
    }
}
