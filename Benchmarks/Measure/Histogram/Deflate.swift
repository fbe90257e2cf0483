// Deflate: bytes to a zlib stream and back, in one piece.
//
// Thread: pure functions.  Allocates: the result.  Source: RFC 1950, zlib.h.

import CZlib

enum Deflate {
    /// At zlib's default level, as the other HdrHistogram libraries do: the same bytes.
    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var byteCount = compressBound(UInt(bytes.count))
        var stream = [UInt8](repeating: 0, count: Int(byteCount))
        let result = compress2(
            &stream, &byteCount, bytes, UInt(bytes.count), Z_DEFAULT_COMPRESSION)
        // The buffer is large enough, so only memory can be missing.
        precondition(result == Z_OK, "zlib has no memory")
        return Array(stream[..<Int(byteCount)])
    }

    /// The first `limit` bytes of what a stream holds, all of them if there are fewer. Nil if it
    /// is no stream, breaks off before the limit, or has something behind its end.
    static func decompress(_ stream: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        var input = Array(stream)
        var output = [UInt8](repeating: 0, count: limit)
        var state = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        precondition(inflateInit_(&state, zlibVersion(), size) == Z_OK, "zlib has no memory")
        defer { inflateEnd(&state) }
        let result = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                state.next_in = input.baseAddress
                state.avail_in = UInt32(input.count)
                state.next_out = output.baseAddress
                state.avail_out = UInt32(output.count)
                return inflate(&state, Z_SYNC_FLUSH)
            }
        }
        let isWhole = result == Z_STREAM_END && state.avail_in == 0
        let isFull = state.avail_out == 0 && (result == Z_OK || result == Z_BUF_ERROR)
        guard isWhole || isFull else { return nil }
        return Array(output[..<(limit - Int(state.avail_out))])
    }
}
