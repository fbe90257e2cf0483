// Inflater: the bytes of compressed messages, one message after the other.
//
//   payload pieces ─▶ inflate(_:into:) ─▶ message buffer
//   end of message ─▶ finish(into:)        00 00 FF FF, which its sender has cut off
//
// What comes out is counted while it comes: a few bytes that stand for a gigabyte cost no more than
// the limit. Each message begins without history, as `client_no_context_takeover` was answered.
//
// Thread: one loop.  Allocates: 10 KB when made, the window of 32 KB with the first message; then
// never.  Source: RFC 7692 §7.2.2, §7.2.3; zlib.h.

import CZlib

final class Inflater {
    /// zlib's state points back to it, so it may not move.
    private let stream: UnsafeMutablePointer<z_stream>
    /// Nothing of the message has come.
    private var isFresh = true
    /// A block with BFINAL was the last thing: for zlib the stream is over, for RFC 7692 §7.2.3.4 the
    /// message may go on.
    private var isBetweenStreams = false

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let result = inflateInit2_(
            stream, -Int32(DeflateWindow.largest.bits), zlibVersion(),
            Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib has no memory")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Appends what `piece` stands for.
    ///
    /// - Parameter byteCountMax: of the whole message; the buffer may end up one byte larger.
    /// - Throws: `malformedCompression`, `messageTooLarge`; then only `reset` may follow.
    func inflate(
        _ piece: UnsafeRawBufferPointer, into buffer: inout MessageBuffer, byteCountMax: Int
    ) throws(FrameViolation) {
        if piece.isEmpty { return }
        isFresh = false
        // zlib reads it only; the C type does not say so.
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: piece.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = UInt32(piece.count)
        defer { stream.pointee.next_in = nil }
        repeat {
            if isBetweenStreams {
                inflateResetKeep(stream)
                isBetweenStreams = false
            }
            var result = Z_OK
            buffer.append(atMost: byteCountMax + 1 - buffer.byteCount) { space in
                stream.pointee.next_out = space.assumingMemoryBound(to: UInt8.self).baseAddress
                stream.pointee.avail_out = UInt32(space.count)
                result = CZlib.inflate(stream, Z_SYNC_FLUSH)
                return space.count - Int(stream.pointee.avail_out)
            }
            guard buffer.byteCount <= byteCountMax else { throw .messageTooLarge }
            switch result {
            // Z_BUF_ERROR: the output was full to the last byte, and nothing more was to come.
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isBetweenStreams = true
            case Z_MEM_ERROR: preconditionFailure("zlib has no memory")
            default: throw .malformedCompression
            }
        } while stream.pointee.avail_in > 0
            || (stream.pointee.avail_out == 0 && !isBetweenStreams)
    }

    /// The message has come; afterwards the next one may.
    ///
    /// - Throws: as `inflate`; `malformedCompression` also if its last block is not complete.
    func finish(into buffer: inout MessageBuffer, byteCountMax: Int) throws(FrameViolation) {
        // Some senders write an empty message as nothing at all, some end one with BFINAL and without
        // the zero that makes 00 00 FF FF a block.
        if !isFresh, !isBetweenStreams {
            var violation: FrameViolation?
            Self.tail.withUnsafeBytes { tail in
                do throws(FrameViolation) {
                    try inflate(tail, into: &buffer, byteCountMax: byteCountMax)
                } catch { violation = error }
            }
            if let violation { throw violation }
            // "Immediately after decoding an end-of-block code" (zlib.h).
            let isBetweenBlocks = stream.pointee.data_type & 128 != 0
            guard isBetweenBlocks || isBetweenStreams else { throw .malformedCompression }
        }
        reset()
    }

    private static let tail: [UInt8] = [0, 0, 0xFF, 0xFF]

    private func reset() {
        inflateReset(stream)
        isFresh = true
        isBetweenStreams = false
    }
}

@available(*, unavailable)
extension Inflater: Sendable {}
