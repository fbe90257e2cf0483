// Deflater: compresses whole messages, each without a history.
//
//   message ─▶ deflate, sync flush ─▶ blocks … 00 00 FF FF ─▶ blocks       the four bytes are cut off
//
// Thread: one loop.  Allocates: 260 KB when made; per message room for it, on the stack if it is
// short.  Source: RFC 7692 §7.2.1; zlib.h.

import CZlib

final class Deflater {
    /// zlib's state points back to it, so it may not move.
    private let stream: UnsafeMutablePointer<z_stream>

    private static let tailByteCount = 4

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let memoryLevel: Int32 = 8
        let result = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -Int32(DeflateWindow.largest.bits),
            memoryLevel, Z_DEFAULT_STRATEGY, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib has no memory")
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Calls `body` with the compressed message, valid during the call; nil, and no call, if it would
    /// not be shorter than `message`.
    func withCompressed<Result>(
        _ message: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        withUnsafeTemporaryAllocation(byteCount: message.count, alignment: 1) { room in
            // zlib reads it only; the C type does not say so.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: message.assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = UInt32(message.count)
            stream.pointee.next_out = room.assumingMemoryBound(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(room.count)
            let result = deflate(stream, Z_SYNC_FLUSH)
            // Room that is left says that the flush is complete (zlib.h).
            let isComplete = result == Z_OK && stream.pointee.avail_out > 0
            let byteCount = room.count - Int(stream.pointee.avail_out) - Self.tailByteCount
            deflateReset(stream)
            guard isComplete else { return nil }
            return body(UnsafeRawBufferPointer(rebasing: room[..<byteCount]))
        }
    }
}

@available(*, unavailable)
extension Deflater: Sendable {}
