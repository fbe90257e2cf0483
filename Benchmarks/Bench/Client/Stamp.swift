// Stamp: when a message was due, and the how-manieth it is, as text inside it.
//
//   {"type":1,"target":"Broadcast","arguments":["8123456789:17:xxxxxxxxxx"]} RS
//                                                └─ due, ns ─┘└ sequence
//
// `due` is on CLOCK_MONOTONIC, which all processes of a machine share: a receiver knows the latency
// by itself. It is the INTENDED time, so that what a late generator or a full socket costs is counted.
//
// Thread: a pure value.  Allocates: writing only.

struct Stamp: Equatable {
    var dueNanoseconds: UInt64
    var sequence: UInt32

    /// Reads `digits:digits:` at the front of `bytes`; nil if something else stands there.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        var due: UInt64 = 0
        while position < bytes.count, position < 20 {
            let digit = bytes[position] &- 0x30
            guard digit < 10 else { break }
            due = due &* 10 &+ UInt64(digit)
            position += 1
        }
        guard position > 0, position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            return nil
        }
        position += 1
        let start = position
        var sequence: UInt64 = 0
        while position < bytes.count, position < start + 10 {
            let digit = bytes[position] &- 0x30
            guard digit < 10 else { break }
            sequence = sequence &* 10 &+ UInt64(digit)
            position += 1
        }
        guard position > start, position < bytes.count, bytes[position] == UInt8(ascii: ":"),
            sequence <= UInt64(UInt32.max)
        else { return nil }
        dueNanoseconds = due
        self.sequence = UInt32(sequence)
    }

    init(dueNanoseconds: UInt64, sequence: UInt32) {
        self.dueNanoseconds = dueNanoseconds
        self.sequence = sequence
    }

    var text: String { "\(dueNanoseconds):\(sequence):" }
}
