// MessageBuffer: owned memory for a message that did not arrive in one piece.
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
        let needed = byteCount + piece.count
        if needed > capacity {
            capacity = max(needed, 2 * capacity, Self.capacityMin)
            base = realloc(base, capacity)!
        }
        (base! + byteCount).copyMemory(from: source, byteCount: piece.count)
        byteCount = needed
        assert(byteCount <= capacity)
    }
}
