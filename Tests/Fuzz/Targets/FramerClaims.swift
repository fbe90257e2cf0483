// FramerClaims: a stream gives the same records and the same ending, however it is cut.
//
//   first byte: protocol and limit │ second: where to cut │ the rest: the stream
//
// Thread: any.  Allocates: the records.

import Hub

enum FramerClaims {
    enum Ending: Equatable { case waiting, tooLong, malformed }

    static func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        guard bytes.count >= 2 else { return }
        let hubProtocol: HubProtocol = bytes[0] & 1 == 0 ? .json : .messagePack
        let limit = bytes[0] & 2 == 0 ? nil : 1 + Int(bytes[0] >> 2)
        let step = 1 + Int(bytes[1] % 16)
        let stream = Array(bytes[2...])

        let whole = records([stream], hubProtocol, limit: limit) { Array($0) }
        let single = records(stream.map { [$0] }, hubProtocol, limit: limit) { Array($0) }
        let pieces = stride(from: 0, to: stream.count, by: step).map {
            Array(stream[$0..<min($0 + step, stream.count)])
        }
        let cut = records(pieces, hubProtocol, limit: limit) { Array($0) }
        try require(single.records == whole.records, "single bytes give the same records")
        try require(cut.records == whole.records, "pieces give the same records")
        try require(single.ending == whole.ending, "single bytes give the same ending")
        try require(cut.ending == whole.ending, "pieces give the same ending")

        let framing = whole.records.reduce(0) { $0 + $1.count + 1 }
        try require(framing <= stream.count, "records do not overlap")
        if let limit {
            try require(
                whole.records.allSatisfy { $0.count < limit }, "no record is above the limit")
        }
    }

    /// All records of a stream that comes in pieces, up to the first that is refused.
    static func records<T>(
        _ pieces: [[UInt8]], _ hubProtocol: HubProtocol, limit: Int?,
        as transform: (UnsafeRawBufferPointer) -> T
    ) -> (records: [T], ending: Ending) {
        var framer = MessageFramer(recordByteCountMax: limit)
        framer.agreed(on: hubProtocol)
        var found: [T] = []
        for piece in pieces {
            var offset = 0
            reading: while true {
                let outcome = piece.withUnsafeBytes { buffer in
                    framer.next(in: buffer, from: &offset, transform)
                }
                switch outcome {
                case .record(let record): found.append(record)
                case .incomplete: break reading
                case .tooLong: return (found, .tooLong)
                case .malformed: return (found, .malformed)
                }
            }
        }
        return (found, .waiting)
    }
}
