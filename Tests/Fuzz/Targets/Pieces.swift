// Pieces: one stream, whole and cut.
//
//   ├──────────────────────┤   ├┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┼┤   ├─────┼─────┼─────┼────┤
//
// Thread: any.  Allocates: the pieces.

enum Pieces {
    /// What `read` makes of the stream in single bytes, and in pieces of `step`, is what it makes of
    /// the whole.
    ///
    /// - Returns: what that is.
    @discardableResult
    static func requireSame<Outcome: Equatable>(
        _ stream: [UInt8], step: Int, _ read: ([ArraySlice<UInt8>]) throws(Violation) -> Outcome
    ) throws(Violation) -> Outcome {
        let whole = try read([stream[...]])
        try require(try read(cut(stream, step: 1)) == whole, "single bytes give the same")
        try require(try read(cut(stream, step: step)) == whole, "pieces of \(step) give the same")
        return whole
    }

    static func cut(_ stream: [UInt8], step: Int) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: stream.count, by: step).map {
            stream[$0..<min($0 + step, stream.count)]
        }
    }
}
