// StampLatencies: the stamps in a stream of bytes, however it is cut.
//
//   … "arguments":["<due>:<sequence>:… ─▶ (due, received)
//
// Thread: a value.  Allocates: per message.

import Measure

struct StampLatencies: Sendable {
    /// Due and received, nanoseconds of CLOCK_MONOTONIC.
    private(set) var stamps: [(due: UInt64, received: UInt64)] = []
    private var rest: [UInt8] = []

    /// Stands before each stamp, see BroadcastRecord.
    private static let mark = Array("\"arguments\":[\"".utf8)
    /// A stamp is no longer than that.
    private static let stampByteCountMax = 32

    mutating func read(_ bytes: [UInt8], at now: UInt64) {
        rest += bytes
        var position = 0
        rest.withUnsafeBytes { buffer in
            while let start = Self.find(in: buffer, from: position) {
                guard let stamp = Stamp(UnsafeRawBufferPointer(rebasing: buffer[start...])) else {
                    // Cut in the middle; the rest of it comes.
                    if buffer.count - start < Self.stampByteCountMax { break }
                    position = start
                    continue
                }
                stamps.append((due: stamp.dueNanoseconds, received: now))
                position = start
            }
            // A mark that has begun at the end is kept.
            position = max(position, buffer.count - Self.mark.count - Self.stampByteCountMax)
        }
        rest.removeFirst(position)
    }

    private static func find(in buffer: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var position = start
        while position + mark.count <= buffer.count {
            if buffer[position..<position + mark.count].elementsEqual(mark) {
                return position + mark.count
            }
            position += 1
        }
        return nil
    }

    func histogram(from start: UInt64) -> Histogram {
        let histogram = Histogram()
        for stamp in stamps where stamp.due >= start {
            histogram.record(stamp.received - min(stamp.due, stamp.received))
        }
        return histogram
    }
}
