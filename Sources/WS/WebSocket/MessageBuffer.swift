// MessageBuffer: owned memory for a message that did not arrive in one piece, or compressed.
//
// It grows with what has arrived, never with what a header announces: a peer that claims 16 MiB and
// sends 10 bytes costs 512 bytes. Its owner drops it as soon as the message is done.
//
// Thread: the connection's loop.  Allocates: doubling, so a message is copied at most twice.

import Glibc

struct MessageBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var byteCount = 0

    private static let capacityMin = 512

    deinit { free(base) }

    /// Valid until the next `append`.
    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        guard let source = piece.baseAddress, piece.count > 0 else { return }
        makeRoom(for: piece.count)
        (base! + byteCount).copyMemory(from: source, byteCount: piece.count)
        byteCount += piece.count
        assert(byteCount <= capacity)
    }

    /// Has `write` fill free memory, at least a byte and at most `byteCountMax`.
    ///
    /// - Parameter write: returns how many bytes it has written from the front.
    mutating func append(atMost byteCountMax: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int)
    {
        precondition(byteCountMax > 0)
        makeRoom(for: 1)
        byteCount += write(
            UnsafeMutableRawBufferPointer(
                start: base! + byteCount, count: min(capacity - byteCount, byteCountMax)))
        assert(byteCount <= capacity)
    }

    private mutating func makeRoom(for pieceByteCount: Int) {
        let needed = byteCount + pieceByteCount
        guard needed > capacity else { return }
        capacity = max(needed, 2 * capacity, Self.capacityMin)
        base = realloc(base, capacity)!
    }
}
