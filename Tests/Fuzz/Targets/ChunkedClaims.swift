// ChunkedClaims: a chunked body is the same, however its bytes are cut, and never above its limit.
//
//   first byte: where to cut │ the rest: the coded body and what follows it
//
// Thread: any.  Allocates: the body.  Source: RFC 9112 §7.1.

import WS

enum ChunkedClaims {
    private struct Outcome: Equatable {
        var body: [UInt8] = []
        /// Of the coded bytes, to the end of the body; nil if it has not ended.
        var byteCount: Int?
        var error: HTTPError?
    }

    private static let bodyByteCountMax = 256

    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        guard let first = bytes.first else { return }
        try checkInPlace(UnsafeRawBufferPointer(rebasing: bytes[1...]))
        let whole = try Pieces.requireSame(Array(bytes[1...]), step: 1 + Int(first % 32), read)
        guard whole.byteCount != nil else { return }

        var coded: [UInt8] = []
        for piece in Pieces.cut(whole.body, step: 1 + Int(first % 32)) {
            coded += Array(String(piece.count, radix: 16).utf8) + [0x0D, 0x0A] + piece
            coded += [0x0D, 0x0A]
        }
        coded += Array("0\r\n\r\n".utf8)
        let back = try read([coded[...]])
        try require(
            back == Outcome(body: whole.body, byteCount: coded.count),
            "a body that is coded and decoded is the same")
    }

    /// The guarded bytes themselves: a read outside of them ends the process.
    private static func checkInPlace(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        var decoder = ChunkedDecoder(limits: HTTPLimits(), bodyByteCountMax: bodyByteCountMax)
        var body: [UInt8] = []
        let count = try? decoder.decode(bytes.assumingMemoryBound(to: UInt8.self).span, into: &body)
        try require(count ?? 0 <= bytes.count, "no more is consumed than there is")
        try require(
            count == nil || count == bytes.count || decoder.isComplete,
            "all is consumed, unless the body has ended")
    }

    /// After an error only the error counts: how much was read before it depends on the pieces.
    private static func read(_ pieces: [ArraySlice<UInt8>]) throws(Violation) -> Outcome {
        var decoder = ChunkedDecoder(limits: HTTPLimits(), bodyByteCountMax: bodyByteCountMax)
        var outcome = Outcome()
        var byteCount = 0
        for piece in pieces {
            do throws(HTTPError) {
                byteCount += try decoder.decode(Array(piece).span, into: &outcome.body)
            } catch {
                return Outcome(error: error)
            }
            try require(outcome.body.count <= bodyByteCountMax, "no body is above the limit")
            if decoder.isComplete {
                outcome.byteCount = byteCount
                break
            }
        }
        return outcome
    }
}
