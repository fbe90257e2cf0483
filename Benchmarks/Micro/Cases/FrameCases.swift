// FrameCases: WebSocket frames of a client read and unmasked, frames of the server written.
//
// Thread: one.  Allocates: writing its frame; reading nothing.  Source: RFC 6455 §5.

import CMicro
import WS

extension MicroCase {
    static let frameCases =
        [32, 200, 4096].map(readFrame) + [32, 200, 4096].map(writeFrame)

    private static let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    /// Text, as a hub's messages are.
    private static func payload(_ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(32 + $0 % 90) }
    }

    /// Each operation reads the header and takes the mask off or puts it on again, so that the same
    /// frame serves for all. It gives the payload's bytes; all together the payload as it is left.
    private static func readFrame(_ byteCount: Int) -> MicroCase {
        let plain = payload(byteCount)
        let masked = plain.enumerated().map { $1 ^ key[$0 % 4] }
        let (sumOfPlain, sumOfMasked) = (byteSum(plain), byteSum(masked))
        var header = Array(FrameWriter.makeFrame(plain, as: .text).dropLast(byteCount))
        header[1] |= 0x80
        header += key
        let wire = header + masked

        return MicroCase(
            "ws.frame.read.\(byteCount)", byteCount: byteCount,
            expecting: { count in
                count &* UInt64(byteCount) &+ (count % 2 == 0 ? sumOfMasked : sumOfPlain)
            },
            prepare: {
                { operationCount in
                    var frame = wire
                    return frame.withUnsafeMutableBufferPointer { buffer in
                        Self.readAndUnmask(buffer, operationCount)
                    }
                }
            })
    }

    private static func readAndUnmask(
        _ buffer: UnsafeMutableBufferPointer<UInt8>, _ operationCount: Int
    ) -> UInt64 {
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        var sum: UInt64 = 0
        var payload = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        for _ in 0..<operationCount {
            cmicro_clobber(buffer.baseAddress)
            guard
                case .complete(let header) = FrameHeader.parse(
                    buffer.span, payloadByteCountMax: 1 << 20)
            else { return 0 }
            payload = UnsafeMutableRawBufferPointer(rebasing: bytes[header.byteCount...])
            Mask.apply(header.maskingKey, to: payload)
            sum &+= UInt64(header.payloadByteCount)
        }
        return sum &+ byteSum(Array(payload))
    }

    private static func byteSum(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0) { $0 &* 31 &+ UInt64($1) }
    }

    /// An operation gives the frame's bytes and the last of them.
    private static func writeFrame(_ byteCount: Int) -> MicroCase {
        let plain = payload(byteCount)
        let headerByteCount = byteCount < 126 ? 2 : 4
        let last = Int(plain.last ?? 0)
        return MicroCase(
            "ws.frame.write.\(byteCount)", byteCount: byteCount,
            each: headerByteCount + byteCount + last
        ) {
            { operationCount in
                var sum: UInt64 = 0
                plain.withUnsafeBytes { payload in
                    for _ in 0..<operationCount {
                        cmicro_clobber(payload.baseAddress)
                        let frame = FrameWriter.makeFrame(payload, as: .text)
                        sum &+= UInt64(frame.count) &+ UInt64(frame[frame.count - 1])
                    }
                }
                return sum
            }
        }
    }
}
