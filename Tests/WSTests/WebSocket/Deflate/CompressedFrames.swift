// CompressedFrames: what a client with permessage-deflate sends, and what it makes of our frames.

import CZlib

@testable import WS

/// permessage-deflate with every message compressed that gains by it.
func messageDeflate(from messageByteCountMin: Int = 1) -> MessageDeflate {
    var options = WSCompression()
    options.isOn = true
    options.messageByteCountMin = messageByteCountMin
    return MessageDeflate(options)!
}

/// The payload of a compressed message, whether it is shorter or not (RFC 7692 §7.2.1).
func deflated(_ message: [UInt8]) -> [UInt8] {
    var message = message
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    precondition(
        deflateInit2_(
            &stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, zlibVersion(), size) == Z_OK)
    defer { deflateEnd(&stream) }
    var payload = [UInt8](repeating: 0, count: message.count + message.count / 1000 + 64)
    let inputByteCount = message.count
    message.withUnsafeMutableBufferPointer { input in
        payload.withUnsafeMutableBufferPointer { output in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(inputByteCount)
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            precondition(deflate(&stream, Z_SYNC_FLUSH) == Z_OK)
        }
    }
    return Array(payload.prefix(payload.count - Int(stream.avail_out) - 4))
}

/// What a client with a window of `bits` makes of a payload; nil if it cannot inflate it.
func inflated(_ payload: [UInt8], windowBits bits: Int32 = 15, atMost byteCountMax: Int) -> [UInt8]?
{
    var input = payload + [0, 0, 0xFF, 0xFF]
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    precondition(inflateInit2_(&stream, -bits, zlibVersion(), size) == Z_OK)
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    return input.withUnsafeMutableBufferPointer { input in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        // In small steps: zlib looks into its window only for what is not in the output buffer.
        var step = [UInt8](repeating: 0, count: 64)
        while stream.avail_in > 0 || stream.avail_out == 0 {
            let result = step.withUnsafeMutableBufferPointer { step in
                stream.next_out = step.baseAddress
                stream.avail_out = UInt32(step.count)
                return inflate(&stream, Z_SYNC_FLUSH)
            }
            guard result == Z_OK || result == Z_BUF_ERROR, output.count <= byteCountMax else {
                return nil
            }
            output += step.prefix(step.count - Int(stream.avail_out))
        }
        return output
    }
}

/// A masked frame with RSV1.
func compressedFrame(_ opcode: UInt8, _ payload: [UInt8], fin: Bool = true) -> [UInt8] {
    var frame = clientFrame(opcode, payload, fin: fin)
    frame[0] |= 0x40
    return frame
}
